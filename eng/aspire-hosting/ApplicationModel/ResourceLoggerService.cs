using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.ApplicationModel;

public readonly record struct LogLine(int LineNumber, string Content, bool IsErrorMessage);

/// <summary>A resource's log: what its process wrote, and what the app host says about it.</summary>
public class ResourceLoggerService : IDisposable
{
    private readonly ConcurrentDictionary<string, ResourceLog> logs = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gives the lines that an instance's process wrote and writes; set by what runs processes.</summary>
    internal Func<string, bool, CancellationToken, IAsyncEnumerable<(string Content, bool IsError)>>? Source
    {
        get;
        set;
    }

    public ILogger GetLogger(IResource resource) => new ResourceLogger(
        [.. ResourceInstances.Of(resource).Select(LogOf)]);

    public ILogger GetLogger(string resourceName) => new ResourceLogger([LogOf(resourceName)]);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(IResource resource)
        => WatchAsync(ResourceInstances.Of(resource)[0]);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> WatchAsync(string resourceName)
        => ReadAsync(resourceName, follow: true);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(IResource resource)
        => GetAllAsync(ResourceInstances.Of(resource)[0]);

    public IAsyncEnumerable<IReadOnlyList<LogLine>> GetAllAsync(string resourceName)
        => ReadAsync(resourceName, follow: false);

    public void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Lines in batches: those that are there at once, then, when following, as they come.</summary>
    internal async IAsyncEnumerable<IReadOnlyList<LogLine>> ReadAsync(
        string resourceId, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        const int BatchMax = 500;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Bounded: a reader that is slower than the process slows the copying, not the memory's growth.
        var channel = Channel.CreateBounded<(string, bool)>(4 * BatchMax);
        Task pump = PumpAsync(resourceId, follow, channel.Writer, stop.Token);
        try
        {
            int number = 0;
            while (await channel.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            {
                var batch = new List<LogLine>();
                while (batch.Count < BatchMax && channel.Reader.TryRead(out (string Content, bool IsError) line))
                    batch.Add(new LogLine(++number, line.Content, line.IsError));
                yield return batch;
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PumpAsync(
        string resourceId, bool follow, ChannelWriter<(string, bool)> writer, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            Task own = CopyAsync(LogOf(resourceId).ReadAsync(follow, cancellationToken), writer, cancellationToken);
            Task process = Source is null
                ? Task.CompletedTask
                : CopyAsync(Source(resourceId, follow, cancellationToken), writer, cancellationToken);
            await Task.WhenAll(own, process).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            failure = e;
        }
        finally
        {
            writer.TryComplete(failure);
        }
    }

    private static async Task CopyAsync(
        IAsyncEnumerable<(string, bool)> from, ChannelWriter<(string, bool)> to, CancellationToken cancellationToken)
    {
        await foreach ((string, bool) line in from.ConfigureAwait(false))
            await to.WriteAsync(line, cancellationToken).ConfigureAwait(false);
    }

    private ResourceLog LogOf(string resourceId) => logs.GetOrAdd(resourceId, _ => new ResourceLog());

    private sealed class ResourceLogger(ResourceLog[] logs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string text = formatter(state, exception) + (exception is null ? "" : Environment.NewLine + exception);
            string stamp = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
            foreach (ResourceLog log in logs)
                log.Add($"{stamp} {text}", logLevel >= LogLevel.Error);
        }
    }
}
