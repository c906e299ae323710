using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Sealing;

/// <summary>Looks at an interval whether the key-encryption key is to be replaced.</summary>
internal sealed partial class KeyRotation(
    KeyStore keys, IOptions<KeyOptions> options, TimeProvider time, ILogger<KeyRotation> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.Value.CheckInterval, time);
        do
        {
            try
            {
                if (await keys.RotateIfDueAsync(stoppingToken))
                    LogRotated();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                LogNotRotated(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(LogLevel.Information, "The key-encryption key was replaced and the former ones destroyed")]
    private partial void LogRotated();

    [LoggerMessage(LogLevel.Error, "The key-encryption key could not be replaced; it is tried again")]
    private partial void LogNotRotated(Exception e);
}
