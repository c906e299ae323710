using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Tree;

/// <summary>Signs the own log's head every so often while it grows, and knows the newest.</summary>
internal sealed partial class HeadKeeper(
    LogWriter writer, HeadSigner signer, HeadStore heads, LastHead lastHead, IOptions<AuditOptions> options,
    AuditMetrics metrics, TimeProvider time, ILogger<HeadKeeper> logger) : IDisposable
{
    private readonly SemaphoreSlim _signing = new(1, 1);
    private volatile TreeHead? _latest;

    /// <summary>The newest; null: nothing was written yet, or not since the start.</summary>
    public TreeHead? Latest => _latest;

    /// <summary>Signs the log as it is now, if it grew since.</summary>
    public async Task<TreeHead?> SignAsync(CancellationToken cancellationToken)
    {
        await _signing.WaitAsync(cancellationToken);
        try
        {
            var peaks = writer.Peaks;
            if (peaks.Size == 0 || (_latest is { } former && (long)former.Size >= peaks.Size))
                return _latest;
            var head = signer.Sign(peaks.Size, peaks.Root());
            lastHead.Write(head);
            await heads.SaveAsync(head, cancellationToken);
            metrics.Heads.Add(1);
            return _latest = head;
        }
        finally
        {
            _signing.Release();
        }
    }

    /// <summary>Runs while the log is open.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _latest = null;
        using PeriodicTimer timer = new(options.Value.HeadInterval, time);
        do
        {
            try
            {
                await SignAsync(cancellationToken);
            }
            catch (Exception e) when (e is LogUnavailableException or IOException or InvalidDataException
                or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
            {
                LogNotSigned(e);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    public void Dispose() => _signing.Dispose();

    [LoggerMessage(LogLevel.Error, "The audit log's head could not be signed; it is tried again")]
    private partial void LogNotSigned(Exception e);
}
