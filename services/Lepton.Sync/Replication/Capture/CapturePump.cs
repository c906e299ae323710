using Lepton.Sync.Records;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Replication.Spooling;

namespace Lepton.Sync.Replication.Capture;

/// <summary>
/// Reads change capture into the spool, tells which transaction is where, and confirms to the database what is on the
/// disk. Begins again after any fault, for as long as the node runs.
/// </summary>
internal sealed partial class CapturePump(
    IChangeCapture capture, Spool spool, Confirmations confirmations, ReplicationOptions options, TimeProvider time,
    Random random, ILogger<CapturePump> logger)
{
    private bool _failing;

    /// <summary>Runs until it is cancelled. The spool must have been opened.</summary>
    public async Task RunAsync(CancellationToken cancellationToken) =>
        await Task.WhenAll(ReadAsync(cancellationToken), WriteAsync(cancellationToken));

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        Retry retry = new(options.RetryTimeMax, time, random);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var told in capture.ReadAsync(cancellationToken))
                {
                    await TakeAsync(told, cancellationToken);
                    retry.Reset();
                    _failing = false;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it was: a node that stopped capturing would hold back its log until the disk is full.
                if (!_failing)
                    LogBroken(e);
                _failing = true;
            }
            await QuietlyAsync(retry.WaitAsync(cancellationToken));
        }
    }

    private async Task TakeAsync(CaptureEvent told, CancellationToken cancellationToken)
    {
        switch (told)
        {
            case CaptureBegun begun:
                // After a start the spool goes on where it was, and the confirmations know of no timeline yet.
                if (await spool.BeginAsync(begun, cancellationToken) || confirmations.Timeline != begun.Timeline)
                    confirmations.Begin(begun.Timeline);
                break;
            case CapturedTransaction transaction:
                await spool.AppendAsync(SpoolEntry.Of(transaction), cancellationToken);
                if (transaction.IsComplete)
                    confirmations.Captured(transaction.TransactionId, transaction.Position);
                break;
            case CaptureMark mark:
                await spool.AppendAsync(SpoolEntry.Of(mark), cancellationToken);
                break;
            default: // a loss is followed by a beginning, which says all
                break;
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        Retry retry = new(options.RetryTimeMax, time, random);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var more = spool.Unwritten.Next;
                if (await spool.FlushAsync(cancellationToken) is not { } durable)
                    await more.WaitAsync(cancellationToken);
                else
                {
                    await capture.ConfirmAsync(durable, cancellationToken);
                    // Streams read from memory; a flush for each transaction would only slow the commits beside it.
                    if (!spool.IsFlushDue)
                        await Task.Delay(options.SpoolFlushInterval, time, cancellationToken);
                }
                retry.Reset();
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                LogNotWritten(e, options.SpoolDirectory);
                await QuietlyAsync(retry.WaitAsync(cancellationToken));
            }
        }
    }

    private static async Task QuietlyAsync(Task wait) =>
        await wait.ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

    [LoggerMessage(LogLevel.Warning, "Change capture ended; it begins again where it was confirmed, trying on")]
    private partial void LogBroken(Exception e);

    [LoggerMessage(LogLevel.Error, "The spool in {Directory} cannot be written; the database holds back its log")]
    private partial void LogNotWritten(Exception e, string directory);
}
