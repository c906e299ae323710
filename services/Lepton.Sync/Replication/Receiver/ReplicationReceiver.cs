using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>What every receiver of a node works with.</summary>
internal sealed record ReceiverParts(
    ITopologySource Topology, IRecordStore Store, ReplicaSlots Slots, Sealing.IDataKeys Keys, Quarantine Quarantine,
    MapTurns Turns, HomePromises Promises, Lag Lag, ReplicationOptions Options, ReplicationMetrics Metrics,
    TimeProvider Time);

/// <summary>
/// Follows one source for as long as it is home of slots that this node holds: a stream, and copies of the slots that
/// are not whole. Begins again after any fault, where it is.
/// </summary>
internal sealed partial class ReplicationReceiver(
    SyncNode source, IReplicationPeer peer, ReceiverParts parts, Random random, ILogger<ReplicationReceiver> logger)
{
    private bool _failing;

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Retry retry = new(parts.Options.RetryTimeMax, parts.Time, random);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(retry, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was: a replica that stopped following would be behind for good.
                if (!_failing)
                    LogBroken(e, source.Name);
                _failing = true;
            }
            parts.Metrics.StreamEnded(source.Name);
            await retry.WaitAsync(cancellationToken).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    private async Task FollowAsync(Retry retry, CancellationToken cancellationToken)
    {
        var (stream, progress) = await OpenAsync(cancellationToken);
        await using (stream)
        {
            if (_failing)
                LogFollowing(source.Name);
            _failing = false;
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            RowIntake intake = new(
                source.Id, parts.Topology, parts.Keys, parts.Quarantine, parts.Metrics, logger);
            StreamApplier applier = new(source, peer, stream, intake, progress, parts);
            Task[] tasks =
            [
                applier.ReceiveAsync(ending.Token),
                applier.ApplyAsync(retry, ending.Token),
                new SlotCopier(source, peer, intake, applier, parts).RunAsync(ending.Token),
            ];
            // One's end is the end of all; the first fault is the reason.
            var first = await Task.WhenAny(tasks);
            ending.Cancel();
            await Task.WhenAll(tasks).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await first;
        }
    }

    /// <summary>
    /// A stream from where we are; where we have no position, or it is lost, from the source's present end, and all of
    /// its slots are copied.
    /// </summary>
    private async Task<(IReplicationStream Stream, SourceProgress Progress)> OpenAsync(
        CancellationToken cancellationToken)
    {
        var known = (await parts.Store.ReadProgressAsync(cancellationToken)).FirstOrDefault(p => p.Source == source.Id);
        if (known is not null)
        {
            var (stream, first) = await BeginAsync(known.Timeline, known.Position, cancellationToken);
            if (first is SourceBegin)
                return (stream, known);
            await stream.DisposeAsync();
            LogPositionLost(source.Name, known.Timeline, known.Position.Value);
        }
        var (fresh, began) = await BeginAsync("", default, cancellationToken);
        try
        {
            if (began is not SourceBegin begin)
                throw new IOException($"{source.Name} has no place to begin at.");
            // In this order: a crash in between begins anew, and none of the slots counts as whole that is not.
            await parts.Slots.ForgetAsync(source.Id, cancellationToken);
            // A source that crashed may begin before what it had sent: that is applied, and stays so.
            SourceProgress progress = known?.Timeline == begin.Timeline && known.Position > begin.Position
                ? known
                : new SourceProgress(source.Id, begin.Timeline, begin.Position);
            await parts.Store.ApplyAsync(progress, [], cancellationToken);
            return (fresh, progress);
        }
        catch
        {
            await fresh.DisposeAsync();
            throw;
        }
    }

    /// <summary>The first message: a beginning, or that the position is lost.</summary>
    private async Task<(IReplicationStream Stream, SourceMessage First)> BeginAsync(
        string timeline, LogPosition position, CancellationToken cancellationToken)
    {
        var stream = await peer.OpenAsync(timeline, position, cancellationToken);
        try
        {
            var first = await stream.ReadAsync(cancellationToken)
                .WaitAsync(parts.Options.SilenceMax, parts.Time, cancellationToken);
            parts.Lag.Heard(source.Id);
            return first is SourceBegin or SourceEnd { Reason: StreamEnd.PositionLost }
                ? (stream, first)
                : throw new IOException($"{source.Name} opens no stream: {(first as SourceEnd)?.Reason}.");
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    [LoggerMessage(LogLevel.Warning, "The stream from {Source} ended; trying on")]
    private partial void LogBroken(Exception e, string source);

    [LoggerMessage(LogLevel.Information, "Following {Source} again")]
    private partial void LogFollowing(string source);

    [LoggerMessage(LogLevel.Warning,
        "{Source} no longer holds what comes after {Timeline} {Position}: its slots are copied")]
    private partial void LogPositionLost(string source, string timeline, ulong position);
}
