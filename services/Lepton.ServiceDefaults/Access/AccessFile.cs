using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// The access file as it is now. It is looked at every 2 s; one that is damaged, forged or older than what is in use is
/// logged and counted, and the former one stays.
/// </summary>
public sealed partial class AccessFile : BackgroundService
{
    /// <summary>The meter's name.</summary>
    internal const string Meter = "Lepton.Access";

    private static readonly Oid Use = new(SignedAccess.KeyUsage);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly ServiceOptions options;
    private readonly TlsMaterial material;
    private readonly TimeProvider time;
    private readonly ILogger<AccessFile> logger;
    private readonly Counter<long> refused;
    private volatile AccessSnapshot current;
    private DateTime stamp;

    /// <summary>Reads the file.</summary>
    /// <exception cref="AccessFileException">It is missing, forged or wrong; without it nothing may start.</exception>
    public AccessFile(IOptions<ServiceOptions> options, TlsMaterial material, TimeProvider time, IMeterFactory meters,
        ILogger<AccessFile> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        (this.options, this.material, this.time, this.logger) = (options.Value, material, time, logger);
        var meter = meters.Create(Meter);
        refused = meter.CreateCounter<long>("lepton.access.refused_files", "{file}",
            "Access files that were damaged, forged or older than the one in use.");
        current = Read();
        meter.CreateObservableGauge("lepton.access.version", () => current.Version, "{version}",
            "Version of the roles and tenants in use.");
    }

    /// <summary>What is in use.</summary>
    public AccessSnapshot Current => current;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            LookAgain();
    }

    internal void LookAgain()
    {
        if (File.GetLastWriteTimeUtc(options.AccessFile) == stamp)
            return;
        try
        {
            var next = Read();
            if (next.Version < current.Version)
                throw new AccessFileException($"version {next.Version} is older than {current.Version}, in use.");
            current = next;
            LogTaken(next.Version);
        }
        catch (AccessFileException e)
        {
            refused.Add(1);
            LogRefused(e.Message, current.Version);
        }
    }

    private AccessSnapshot Read()
    {
        try
        {
            FileInfo file = new(options.AccessFile);
            stamp = file.LastWriteTimeUtc;
            if (file.Length > SignedAccess.BytesMax)
                throw new AccessFileException($"takes {SignedAccess.BytesMax} bytes at most.");
            var jws = File.ReadAllText(file.FullName);
            return new AccessSnapshot(
                SignedAccess.Read(jws, certificate => material.IsTrusted(certificate, Use)), options.Region);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AccessFileException($"Lepton:AccessFile cannot be read: {e.Message}");
        }
    }

    [LoggerMessage(LogLevel.Information, "Roles and tenants are those of version {Version} now.")]
    private partial void LogTaken(long version);

    [LoggerMessage(LogLevel.Error, "{Why} Version {Version} stays in use.")]
    private partial void LogRefused(string why, long version);
}
