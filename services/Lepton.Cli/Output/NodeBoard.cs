using Lepton.Routing.V1;

namespace Lepton.Cli.Output;

/// <summary>The last that each region's router said; written by the streams, read by the screen.</summary>
internal sealed class NodeBoard(int regions)
{
    private readonly IReadOnlyList<Node>[] nodes = [.. Enumerable.Repeat<IReadOnlyList<Node>>([], regions)];
    private readonly string?[] losses = new string?[regions];
    private readonly TaskCompletionSource[] heard = [.. Enumerable.Range(0, regions)
        .Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

    public void Set(int region, IReadOnlyList<Node> seen)
    {
        Volatile.Write(ref nodes[region], seen);
        Volatile.Write(ref losses[region], null);
        heard[region].TrySetResult();
    }

    /// <summary>The region's nodes are no longer known; showing the last ones would pass them off as alive.</summary>
    public void Lost(int region, string message)
    {
        Volatile.Write(ref nodes[region], []);
        Volatile.Write(ref losses[region], message);
        heard[region].TrySetResult();
    }

    /// <summary>Ends with each region's first word, or with patience: a region that hangs hides no other.</summary>
    public Task HeardFromAllAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation) => Task.WhenAny(
        Task.WhenAll(heard.Select(h => h.Task)), Task.Delay(patience, time, cancellation));

    public IEnumerable<Node> Nodes() => Enumerable.Range(0, regions).SelectMany(i => Volatile.Read(ref nodes[i]));

    public IReadOnlyList<string> Losses() =>
        [.. Enumerable.Range(0, regions).Select(i => Volatile.Read(ref losses[i])).OfType<string>()];
}
