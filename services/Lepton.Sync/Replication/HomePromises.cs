using Lepton.Sync.Records;

namespace Lepton.Sync.Replication;

/// <summary>
/// For which nodes this one said that it helps them to speak as homes no more, since another is being made home: it
/// neither vouches for them nor confirms what they write.
/// </summary>
internal sealed class HomePromises(TimeProvider time)
{
    private readonly Lock _state = new();
    private readonly Dictionary<NodeId, Promised> _promises = [];

    /// <param name="node">From now on not for this one.</param>
    /// <param name="epoch">Until the map changes from this one,</param>
    /// <param name="longest">or so long.</param>
    public void Give(NodeId node, long epoch, TimeSpan longest)
    {
        lock (_state)
            _promises[node] = new Promised(epoch, time.GetTimestamp(), longest);
    }

    /// <summary>Is there one, while the map is of this epoch?</summary>
    public bool Bind(NodeId node, long epoch)
    {
        lock (_state)
            return _promises.TryGetValue(node, out var promise) && promise.Epoch == epoch
                && time.GetElapsedTime(promise.At) < promise.Longest;
    }

    private sealed record Promised(long Epoch, long At, TimeSpan Longest);
}
