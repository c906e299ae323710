using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>Sends the own log to whoever holds a copy, from where each is, for as long as the process runs.</summary>
internal sealed partial class LogCopier(
    PeerTable peers, LogWriter writer, EntryReads entries, RecentEntries recent, PersonKeys keys, HeadKeeper heads,
    CopyGate gate, LogName log, TimeProvider time, ILogger<LogCopier> logger) : BackgroundService
{
    private const int EntriesMax = 1000;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), Idle = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(peers.Holders.Select(holder => KeepAsync(holder, stoppingToken)));

    private async Task KeepAsync(PeerOptions.Peer holder, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await StreamAsync(holder, stoppingToken);
            }
            catch (Exception e) when (e is RpcException or LogUnavailableException or IOException
                && !stoppingToken.IsCancellationRequested)
            {
                LogEnded(holder.Name, (e as RpcException)?.Status.Detail ?? e.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            await Task.Delay(Pause, time, CancellationToken.None).WaitAsync(stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StreamAsync(PeerOptions.Peer holder, CancellationToken stoppingToken)
    {
        if (!writer.IsOpen)
            return;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        using var call = peers.Client(holder).Copy(cancellationToken: ending.Token);
        CopyRequest request = new() { Log = log.Value };
        HashSet<Guid> sent = [];
        ulong headSize = 0;
        try
        {
            for (long size; writer.IsOpen;)
            {
                var more = recent.More;
                await call.RequestStream.WriteAsync(request, ending.Token);
                size = await AnswerAsync(call, ending.Token);
                gate.Confirm(holder.Name, size);
                request = new CopyRequest();
                var next = recent.After(size, EntriesMax)
                    ?? await entries.RangeAsync(size + 1, size + EntriesMax, ending.Token);
                Add(request, next, sent);
                size += next.Count;
                if (heads.Latest is { } head && head.Size > headSize && (long)head.Size <= size)
                    (request.Head, headSize) = (head, head.Size);
                if (next.Count == 0 && request.Head is null)
                    await WaitAsync(more, ending.Token);
            }
        }
        finally
        {
            await ending.CancelAsync();
        }
    }

    private async Task<long> AnswerAsync(
        AsyncDuplexStreamingCall<CopyRequest, CopyResponse> call, CancellationToken cancellationToken)
    {
        // A holder that hangs is one that is not there.
        var answered = call.ResponseStream.MoveNext(cancellationToken);
        if (!await answered.WaitAsync(TimeSpan.FromSeconds(30), time, cancellationToken))
            throw new IOException("The stream ended.");
        return (long)call.ResponseStream.Current.Size;
    }

    private async Task WaitAsync(Task more, CancellationToken cancellationToken)
    {
        try
        {
            await more.WaitAsync(Idle, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Asks again, so that each knows of the other, and for the head that may have been signed meanwhile.
        }
    }

    private void Add(CopyRequest request, IReadOnlyList<StoredEntry> next, HashSet<Guid> sent)
    {
        foreach (var entry in next)
        {
            request.Entries.Add(UnsafeByteOperations.UnsafeWrap(entry.Bytes));
            if (entry.Columns.ActorIndex is null && entry.Columns.SubjectIndex is null)
                continue;
            foreach (var id in KeyCopies.IdsOf(AuditEntry.Parser.ParseFrom(entry.Bytes)))
                if (sent.Add(id) && keys.Find(id) is { } key && KeyCopies.Write(key) is { } copy)
                    request.Keys.Add(copy);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The audit log's copy at {Holder} is not reached: {Why}")]
    private partial void LogEnded(string holder, string why);
}
