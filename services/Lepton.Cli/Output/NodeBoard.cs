using Lepton.Routing.V1;

namespace Lepton.Cli.Output;

/// <summary>The last that each region's router said; written by the streams, read by the screen.</summary>
internal sealed class NodeBoard(int regions)
{
    private readonly IReadOnlyList<Node>[] nodes = [.. Enumerable.Repeat<IReadOnlyList<Node>>([], regions)];
    private readonly string?[] losses = new string?[regions];
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Set(int region, IReadOnlyList<Node> seen)
    {
        Volatile.Write(ref nodes[region], seen);
        Volatile.Write(ref losses[region], null);
        first.TrySetResult();
    }

    /// <summary>The region's nodes are no longer known; showing the last ones would pass them off as alive.</summary>
    public void Lost(int region, string message)
    {
        Volatile.Write(ref nodes[region], []);
        Volatile.Write(ref losses[region], message);
        first.TrySetResult();
    }

    /// <summary>Ends with the first word from any region.</summary>
    public Task FirstAsync(CancellationToken cancellation) => first.Task.WaitAsync(cancellation);

    public IEnumerable<Node> Nodes() => Enumerable.Range(0, regions).SelectMany(i => Volatile.Read(ref nodes[i]));

    public IReadOnlyList<string> Losses() =>
        [.. Enumerable.Range(0, regions).Select(i => Volatile.Read(ref losses[i])).OfType<string>()];
}
