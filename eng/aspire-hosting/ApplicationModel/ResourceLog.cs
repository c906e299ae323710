using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The app host's own lines about one instance: the newest 1,000, and whoever follows.</summary>
internal sealed class ResourceLog
{
    private const int LinesMax = 1_000;

    private readonly Lock gate = new();
    private readonly Queue<(string Content, bool IsError)> lines = new();
    private Channel<(string, bool)>[] followers = [];

    public void Add(string content, bool isError)
    {
        lock (gate)
        {
            if (lines.Count == LinesMax)
                lines.Dequeue();
            lines.Enqueue((content, isError));
            foreach (Channel<(string, bool)> follower in followers)
                follower.Writer.TryWrite((content, isError));
        }
    }

    public async IAsyncEnumerable<(string Content, bool IsError)> ReadAsync(
        bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateBounded<(string, bool)>(
            new BoundedChannelOptions(2 * LinesMax) { FullMode = BoundedChannelFullMode.DropOldest });
        lock (gate)
        {
            foreach ((string, bool) line in lines)
                channel.Writer.TryWrite(line);
            if (follow)
                followers = [.. followers, channel];
            else
                channel.Writer.Complete();
        }

        try
        {
            await foreach ((string, bool) line in channel.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return line;
        }
        finally
        {
            lock (gate)
                followers = [.. followers.Where(f => f != channel)];
        }
    }
}
