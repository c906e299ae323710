using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;

namespace Aspire.Hosting.Running;

/// <summary>What an instance's process writes, read from DCP while somebody looks; over restarts, as one log.</summary>
internal sealed class ConsoleLogSource(DcpClient dcp, ProcessRunner runner, ResourceNotificationService notifications)
{
    private const int BacklogMax = 1_000;
    private static readonly (string Name, bool IsError)[] Sources = [("stdout", false), ("stderr", true)];

    public async IAsyncEnumerable<(string Content, bool IsError)> ReadAsync(
        string id, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (runner.Find(id) is not { } instance)
            yield break;
        string? read = null;
        while (true)
        {
            if (instance.DcpName is { } name && name != read && await HasLogAsync(instance, name, cancellationToken)
                .ConfigureAwait(false))
            {
                read = name;
                await foreach ((string, bool) line in LifeAsync(instance.Plural, name, follow, cancellationToken)
                    .ConfigureAwait(false))
                    yield return line;
            }

            if (!follow)
                yield break;
            // The next life shows itself by a change of state.
            string? last = read;
            await notifications.WaitForResourceAsync(
                instance.Resource.Name, e => e.ResourceId == id && instance.DcpName is { } n && n != last,
                cancellationToken).ConfigureAwait(false);
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>DCP has a log from when it has tried to start the process.</summary>
    private async Task<bool> HasLogAsync(RunningInstance instance, string name, CancellationToken cancellationToken)
        => await dcp.FindAsync(instance.Plural, name, cancellationToken).ConfigureAwait(false) is { } item
            && DcpObjects.StateOf(item).Length > 0;

    private async IAsyncEnumerable<(string, bool)> LifeAsync(
        string plural, string name, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lines = Channel.CreateBounded<(string, bool)>(BacklogMax);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task copying = Task.WhenAll(Sources.Select(s => CopyAsync(s.Name, s.IsError)));
        _ = copying.ContinueWith(
            t => lines.Writer.TryComplete(t.Exception?.InnerException), CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            await foreach ((string, bool) line in lines.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return line;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await copying.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task CopyAsync(string source, bool isError)
        {
            try
            {
                await foreach (string line in dcp.LogAsync(plural, name, source, follow, stop.Token)
                    .ConfigureAwait(false))
                    await lines.Writer.WriteAsync((line, isError), stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is HttpRequestException or IOException)
            {
                // The object was deleted for the next life, or DCP ended: this life's log ends here.
            }
        }
    }
}
