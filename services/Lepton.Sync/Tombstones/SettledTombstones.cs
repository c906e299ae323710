using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tombstones;

/// <param name="Slots">Slots of one class.</param>
/// <param name="Before">Tombstones with a lesser clock are settled.</param>
internal sealed record SettledSlots(IReadOnlyList<SlotId> Slots, long Before);

/// <param name="Epoch">By whose map.</param>
/// <param name="Slots">Each slot once.</param>
internal sealed record SettledClass(long Epoch, IReadOnlyList<SettledSlots> Slots);

/// <summary>
/// What a home knows of its slots' tombstones: those below a clock are settled when every replica has committed the log
/// to where it ended after they were. So no clock is trusted, but for how old they are.
/// </summary>
internal sealed class SettledTombstones(
    ITopologySource topology, Confirmations confirmations, ILogEnd log, TimeProvider time)
{
    /// <summary>A place that some replica has not come to by then is given up for a newer one.</summary>
    private static readonly TimeSpan MarkAgeMax = TimeSpan.FromSeconds(30);

    private readonly Lock _state = new();
    private readonly Dictionary<ClassId, long[]> _before = [];
    private Mark? _mark;
    private long _epoch;
    private int _waiting;

    /// <summary>Slots that wait for a replica.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Looks which slots have been confirmed, and begins anew where that was all.</summary>
    /// <param name="before">Of tombstones with a lesser clock.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task LookAsync(long before, CancellationToken cancellationToken)
    {
        var now = topology.Current;
        if (_mark is { } mark && mark.Epoch == now.Epoch)
        {
            Settle(now, mark);
            if (Waiting > 0 && time.GetElapsedTime(mark.MadeAt) < MarkAgeMax)
                return;
        }
        // The timeline first: positions of another one that begins meanwhile are not taken for its.
        var timeline = confirmations.Timeline;
        _mark = new Mark(
            now.Epoch, before, timeline, await log.ReadLogEndAsync(cancellationToken), time.GetTimestamp());
    }

    /// <summary>What is settled of a class, by the present map.</summary>
    public SettledClass Of(ClassId recordClass)
    {
        lock (_state)
            return new SettledClass(_epoch, _epoch == topology.Current.Epoch
                && _before.TryGetValue(recordClass, out var clocks)
                    ? [.. Enumerable.Range(0, clocks.Length).Where(i => clocks[i] > 0).GroupBy(i => clocks[i])
                        .Select(g => new SettledSlots([.. g.Select(i => new SlotId((short)i))], g.Key))]
                    : []);
    }

    private void Settle(Topology now, Mark mark)
    {
        var waiting = 0;
        lock (_state)
        {
            if (_epoch != mark.Epoch)
                _before.Clear();
            _epoch = mark.Epoch;
            foreach (var recordClass in now.Classes)
            {
                var confirmed = confirmations.ConfirmedSlots(recordClass.Id, mark.Timeline, mark.Position);
                if (confirmed.Count > 0 && !_before.ContainsKey(recordClass.Id))
                    _before[recordClass.Id] = new long[SlotId.Count];
                foreach (var slot in confirmed)
                    _before[recordClass.Id][slot.Value] = Math.Max(
                        _before[recordClass.Id][slot.Value], mark.Before);
                waiting += HomesOf(now, recordClass.Id) - confirmed.Count;
            }
        }
        Volatile.Write(ref _waiting, waiting);
    }

    private int HomesOf(Topology now, ClassId recordClass)
    {
        var map = now.MapOf(recordClass);
        return Enumerable.Range(0, SlotId.Count).Count(i => map.Home(new SlotId((short)i)) == topology.Self.Id);
    }

    /// <param name="Epoch">By whose map it was made.</param>
    /// <param name="Before">What it stands for.</param>
    /// <param name="Timeline">What the position counts in.</param>
    /// <param name="Position">Where the log ended.</param>
    /// <param name="MadeAt">When, by the injected clock's timestamp.</param>
    private sealed record Mark(long Epoch, long Before, string Timeline, LogPosition Position, long MadeAt);
}
