using Lepton.Sync.Records;

namespace Lepton.Sync.Replication;

/// <summary>How far this node has come with another's changes.</summary>
/// <param name="Timeline">What its positions count in.</param>
/// <param name="Received">The last position that arrived.</param>
/// <param name="Applied">Everything to here is committed here, in slots that are whole.</param>
/// <param name="AppliedTime">Everything that it committed before this, by its clock, is; null: not known yet.</param>
internal sealed record SourceSight(
    string Timeline, LogPosition Received, LogPosition Applied, DateTimeOffset? AppliedTime);

/// <summary>What this node hears of the others: how old what it holds may be, and when they last spoke.</summary>
internal sealed class Lag
{
    private readonly TimeProvider _time;
    private readonly Lock _state = new();
    private readonly Dictionary<NodeId, SourceSight> _sources = [];
    private readonly Dictionary<NodeId, (DateTimeOffset Time, long Stamp)> _heard = [];
    private readonly Dictionary<NodeId, long> _appliedAt = [];

    public Lag(TimeProvider time) => _time = time;

    /// <summary>Any message came from a node: from its stream, as an acknowledgement, as an answer.</summary>
    public void Heard(NodeId node)
    {
        lock (_state)
            _heard[node] = (_time.GetUtcNow(), _time.GetTimestamp());
    }

    /// <summary>When it was last heard, by our clock; null: not since the start.</summary>
    public DateTimeOffset? HeardAt(NodeId node)
    {
        lock (_state)
            return _heard.TryGetValue(node, out var heard) ? heard.Time : null;
    }

    /// <summary>How long ago that was, however our clock was set meanwhile; null: not since the start.</summary>
    public TimeSpan? SilenceOf(NodeId node)
    {
        lock (_state)
            return _heard.TryGetValue(node, out var heard) ? _time.GetElapsedTime(heard.Stamp) : null;
    }

    public void Received(NodeId source, string timeline, LogPosition position)
    {
        lock (_state)
            _sources[source] = _sources.TryGetValue(source, out var known) && known.Timeline == timeline
                ? known with { Received = position > known.Received ? position : known.Received }
                : new SourceSight(timeline, position, default, null);
    }

    public void Applied(NodeId source, string timeline, LogPosition position, DateTimeOffset? sourceTime)
    {
        lock (_state)
        {
            var known = _sources.TryGetValue(source, out var sight) && sight.Timeline == timeline
                ? sight
                : new SourceSight(timeline, position, default, null);
            var isLater = sourceTime is not null && (known.AppliedTime is null || sourceTime > known.AppliedTime);
            _sources[source] = known with
            {
                Applied = position > known.Applied ? position : known.Applied,
                AppliedTime = isLater ? sourceTime : known.AppliedTime,
            };
            if (isLater)
                _appliedAt[source] = _time.GetTimestamp();
        }
    }

    /// <summary>How far we have come with a source; null: it was never heard of.</summary>
    public SourceSight? SightOf(NodeId source)
    {
        lock (_state)
            return _sources.GetValueOrDefault(source);
    }

    /// <summary>
    /// What is held of a home is at most this old: by the home's clock against ours, and never less than the time since
    /// it last said so. Null: not known. It holds for slots that are whole (<see cref="Receiver.ReplicaSlots"/>).
    /// </summary>
    public TimeSpan? StalenessOf(NodeId home)
    {
        lock (_state)
        {
            if (!_sources.TryGetValue(home, out var sight) || sight.AppliedTime is not { } applied)
                return null;
            var byClocks = _time.GetUtcNow() - applied;
            var since = _time.GetElapsedTime(_appliedAt[home]);
            return byClocks > since ? byClocks : since;
        }
    }
}
