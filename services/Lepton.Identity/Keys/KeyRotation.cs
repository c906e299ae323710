using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Identity.Keys;

/// <summary>Looks at the keys at an interval, much shorter than a key's lead.</summary>
internal sealed partial class KeyRotation(
    SigningKeyRing ring, IOptions<IdentityOptions> options, TimeProvider time, ILogger<KeyRotation> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.KeyInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ring.RefreshAsync(stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException
                or DbUpdateException or CryptographicException)
            {
                LogNotRefreshed(e);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "Signing keys could not be looked at; those in memory stay in use")]
    private partial void LogNotRefreshed(Exception e);
}
