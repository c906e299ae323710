using Lepton.Identity.Keys;
using Lepton.Identity.Seeding;
using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Identity;

/// <summary>
/// Before the first request: tables, users and clients, keys. What is wrong with a file or a key stops the start; a
/// database that is not up yet is waited for.
/// </summary>
internal sealed partial class IdentityStart(
    Databases databases, Seeder seeder, SigningKeyRing ring,
    IOptions<IdentityOptions> options, TimeProvider time, ILogger<IdentityStart> logger) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var seed = seeder.Read();
        await MakeTablesAsync(cancellationToken);
        await seeder.ApplyAsync(seed, cancellationToken);
        await ring.RefreshAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task MakeTablesAsync(CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; ; waited += Pause)
        {
            try
            {
                await using var database = databases.CreateDbContext();
                await Schema.EnsureAsync(database, cancellationToken);
                return;
            }
            catch (Exception e) when (IsNotUpYet(e) && waited < options.Value.StartTimeMax)
            {
                LogWaiting(e.Message);
                databases.Forget();
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    // No connection, a server that starts or stops, or one whose supervisor has not made our role, its password and our
    // database yet; not an error of ours.
    private static bool IsNotUpYet(Exception e) => e switch
    {
        PostgresException p => p.IsTransient || p.SqlState is PostgresErrorCodes.InvalidPassword
            or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName,
        NpgsqlException or IOException or TimeoutException => true,
        InvalidOperationException { InnerException: { } inner } => IsNotUpYet(inner),
        _ => false,
    };

    [LoggerMessage(LogLevel.Information, "Waiting for the database: {Why}")]
    private partial void LogWaiting(string why);
}

/// <summary>Ready: the database answers, and there is a key that signs.</summary>
internal sealed class IdentityReady(IDbContextFactory<IdentityContext> databases, SigningKeyRing ring) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await ring.CurrentAsync(cancellationToken);
            await using var database = await databases.CreateDbContextAsync(cancellationToken);
            return await database.Database.CanConnectAsync(cancellationToken)
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy("The database does not answer.");
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or TimeoutException or IOException)
        {
            return HealthCheckResult.Unhealthy("The database does not answer, or there is no signing key.", e);
        }
    }
}
