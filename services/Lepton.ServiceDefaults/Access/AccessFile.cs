using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Roles and tenants as they are now. The access file is looked at every 2 s; one that is damaged, forged or older than
/// the one before is logged and counted, and the former one stays. A document from elsewhere
/// (<see cref="Use"/>) takes its place while its version is greater.
/// </summary>
public sealed partial class AccessFile : BackgroundService
{
    /// <summary>The meter's name.</summary>
    internal const string Meter = "Lepton.Access";

    private static readonly Oid SignerUse = new(SignedAccess.KeyUsage);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly ServiceOptions options;
    private readonly TlsMaterial material;
    private readonly TimeProvider time;
    private readonly ILogger<AccessFile> logger;
    private readonly Counter<long> refused;
    private readonly Lock gate = new();
    private volatile AccessSnapshot current;
    private AccessDocument file;
    private AccessDocument? other;
    private RolesDocument granted = RolesDocument.None;
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
        file = Read();
        current = Compile();
        meter.CreateObservableGauge("lepton.access.version", () => current.Version, "{version}",
            "Version of the roles and tenants in use.");
        meter.CreateObservableGauge("lepton.access.roles_version", () => current.Granted.Version, "{version}",
            "Version of the roles granted by call in use; 0: there are none.");
        meter.CreateObservableGauge("lepton.access.emergencies", () => Current.Emergencies, "{assignment}",
            "Emergency roles that hold in this region now.");
    }

    /// <summary>
    /// What is in use. An assignment that begins or ends does so by the clock of who decides: no message is needed.
    /// </summary>
    public AccessSnapshot Current
    {
        get
        {
            var snapshot = current;
            // Where nothing has a time, which is the rule, the clock is not read.
            return snapshot.ChangesAt == DateTimeOffset.MaxValue || time.GetUtcNow() < snapshot.ChangesAt
                ? snapshot
                : Renew();
        }
    }

    /// <summary>
    /// Nothing has confirmed for too long that these are the newest: then nothing is managed by them. Set by who
    /// follows them by another way than the file; a file alone never is. Asked with each call that manages: no locks,
    /// no waits.
    /// </summary>
    public Func<bool> IsTooOld { get; set; } = () => false;

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
            lock (gate)
            {
                if (next.Version < file.Version)
                    throw new AccessFileException($"version {next.Version} is older than {file.Version}, before it.");
                file = next;
                Choose();
            }
            LogTaken(current.Version);
        }
        catch (AccessFileException e)
        {
            refused.Add(1);
            LogRefused(e.Message, current.Version);
        }
    }

    /// <summary>
    /// Puts a document to use that came by another way than the file; who calls it has verified where it came from. It
    /// holds while the file's version is not greater.
    /// </summary>
    /// <param name="json">The document.</param>
    /// <param name="version">The version that it must say it has.</param>
    /// <exception cref="AccessFileException">Something in it is wrong; the message names the field.</exception>
    public void Use(ReadOnlyMemory<byte> json, long version)
    {
        var next = AccessDocument.Read(json.Span);
        if (next.Version != version)
            throw new AccessFileException($"says version {next.Version} and came as version {version}.");
        lock (gate)
        {
            other = next;
            Choose();
        }
        LogTaken(current.Version);
    }

    /// <summary>
    /// Puts the roles that were granted by call to use; who calls it has verified who signed them.
    /// </summary>
    /// <param name="json">The document.</param>
    /// <param name="version">The version that it must say it has.</param>
    /// <exception cref="AccessFileException">Something in it is wrong; the message names the field.</exception>
    public void UseRoles(ReadOnlyMemory<byte> json, long version)
    {
        var next = RolesDocument.Read(json.Span);
        if (next.Version != version)
            throw new AccessFileException($"says version {next.Version} and came as version {version}.");
        lock (gate)
        {
            granted = next;
            Choose();
        }
        LogGranted(version, next.Assignments.Count);
    }

    private void Choose() => current = Compile();

    private AccessSnapshot Compile() => new(
        other is not null && other.Version > file.Version ? other : file, options.Region, granted, time.GetUtcNow());

    private AccessSnapshot Renew()
    {
        lock (gate)
        {
            if (time.GetUtcNow() >= current.ChangesAt) // else another caller did
                Choose();
            return current;
        }
    }

    private AccessDocument Read()
    {
        try
        {
            FileInfo file = new(options.AccessFile);
            stamp = file.LastWriteTimeUtc;
            if (file.Length > SignedAccess.BytesMax)
                throw new AccessFileException($"takes {SignedAccess.BytesMax} bytes at most.");
            var jws = File.ReadAllText(file.FullName);
            return SignedAccess.Read(jws, certificate => material.IsTrusted(certificate, SignerUse));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AccessFileException($"Lepton:AccessFile cannot be read: {e.Message}");
        }
    }

    [LoggerMessage(LogLevel.Information, "Roles and tenants are those of version {Version} now.")]
    private partial void LogTaken(long version);

    [LoggerMessage(LogLevel.Information, "Roles granted by call are those of version {Version} now: {Count}.")]
    private partial void LogGranted(long version, int count);

    [LoggerMessage(LogLevel.Error, "{Why} Version {Version} stays in use.")]
    private partial void LogRefused(string why, long version);
}
