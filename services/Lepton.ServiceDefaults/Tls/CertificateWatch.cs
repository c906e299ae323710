using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Looks at the certificate files whether or not anybody connects, and tells of an end that comes near: by a warning,
/// by health (degraded, and unhealthy once a certificate has ended), and by metrics.
/// </summary>
internal sealed partial class CertificateWatch(
    TlsMaterial material, IOptions<TlsOptions> options, TimeProvider time, ILogger<CertificateWatch> logger)
    : BackgroundService, IHealthCheck
{
    // An end that is near is told of again after this long.
    private static readonly TimeSpan WarnAgain = TimeSpan.FromHours(1);

    private readonly Dictionary<string, long> warned = [];

    /// <summary>The time left to a certificate; negative when it has ended.</summary>
    public TimeSpan Left(FollowedFiles files) => files.Leaf.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime;

    /// <summary>Looks at all files, and warns where it is due.</summary>
    public void Look()
    {
        foreach (var files in material.Followed)
        {
            files.Look();
            if (!IsNear(files))
                warned.Remove(files.Name);
            else if (!warned.TryGetValue(files.Name, out var last) || time.GetElapsedTime(last) >= WarnAgain)
            {
                warned[files.Name] = time.GetTimestamp();
                LogEndIsNear(files.Name, files.Leaf.NotAfter.ToUniversalTime());
            }
        }
    }

    /// <inheritdoc />
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        var near = material.Followed.Where(IsNear).ToList();
        if (near.Count == 0)
            return Task.FromResult(HealthCheckResult.Healthy());
        var text = string.Join(", ", near.Select(f => $"{f.Name} until {f.Leaf.NotAfter.ToUniversalTime():u}"));
        return Task.FromResult(near.Any(f => Left(f) <= TimeSpan.Zero)
            ? HealthCheckResult.Unhealthy($"a certificate has ended: {text}")
            : HealthCheckResult.Degraded($"a certificate ends soon: {text}"));
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.ReloadInterval, time);
        do
            Look();
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private bool IsNear(FollowedFiles files) =>
        Left(files) < (files.Leaf.NotAfter - files.Leaf.NotBefore) * options.Value.ExpiryWarningShare;

    [LoggerMessage(LogLevel.Warning, "The {Name} certificate ends at {End}. Renew it: ./lepton setup does.")]
    private partial void LogEndIsNear(string name, DateTime end);
}
