using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Source;

/// <summary>How a wait for other nodes ended.</summary>
internal enum ConfirmationState
{
    /// <summary>As safe as was asked for.</summary>
    Met,

    /// <summary>The wait was cancelled first. The write stands, and may be confirmed later.</summary>
    Unmet,

    /// <summary>The slot's replicas cannot meet the level, however long one waits.</summary>
    Unreachable,

    /// <summary>As many writes wait as the node holds (Sync:Replication:WaitersMax).</summary>
    Overloaded,

    /// <summary>This node is no longer the slot's home: another may have begun without the write.</summary>
    HomeLost,
}

/// <summary>How safe a committed write is.</summary>
/// <param name="State">How the wait ended.</param>
/// <param name="Zone">Committed in a second zone of the home's region.</param>
/// <param name="Regions">The other regions that committed it, in ordinal order.</param>
internal sealed record Confirmation(ConfirmationState State, bool Zone, IReadOnlyList<string> Regions)
{
    public static Confirmation Of(ConfirmationState state) => new(state, false, []);
}

/// <summary>A write that a home committed.</summary>
/// <param name="TransactionId">Of <c>HomeCommit</c>.</param>
/// <param name="Class">Its class.</param>
/// <param name="Slot">Its slot.</param>
/// <param name="Term">Its version's term.</param>
internal readonly record struct CommittedWrite(uint TransactionId, ClassId Class, SlotId Slot, long Term);

/// <summary>One write that waits. Owned by <see cref="Confirmations"/>, under its lock.</summary>
internal sealed class ConfirmationWaiter(CommittedWrite write, ReplicaSet replicas, Demand demand)
{
    private readonly TaskCompletionSource<Confirmation> _result =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SortedSet<string> _regions = new(StringComparer.Ordinal);
    private bool _zone;

    public CommittedWrite Write => write;

    public Task<Confirmation> Result => _result.Task;

    public bool IsOver => _result.Task.IsCompleted;

    /// <summary>Where its commit is; not known yet: 0.</summary>
    public LogPosition Position { get; set; }

    /// <summary>Since when that is known.</summary>
    public long PlacedAt { get; set; }

    /// <summary>A replica has committed it. True: that was enough.</summary>
    public bool Confirm(NodeId node)
    {
        if (IsOver)
            return false;
        foreach (var other in replicas.Zone)
            _zone |= other.Id == node;
        foreach (var other in replicas.Remote)
            if (other.Id == node)
                _regions.Add(other.Region);
        return (_zone || !demand.Zone) && _regions.Count >= demand.Regions && End(ConfirmationState.Met);
    }

    public bool End(ConfirmationState state) =>
        _result.TrySetResult(new Confirmation(state, _zone, [.. _regions]));
}
