using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>
/// The control data in use: what came from the snapshot on disk and since from Sync, how old it may be, and what was
/// refused. A record that is refused changes nothing.
/// </summary>
internal sealed partial class ControlState
{
    /// <summary>What the keys of all control data begin with.</summary>
    public const string Prefix = "control/";

    private static readonly TimeSpan SaveInterval = TimeSpan.FromMinutes(1);

    private readonly TlsMaterial _material;
    private readonly SyncClientOptions _options;
    private readonly SnapshotFile? _file;
    private readonly ControlMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FrozenDictionary<string, ControlTarget> _targets;
    private readonly Dictionary<string, SignedContent> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly DateTimeOffset _startedAt;
    private long _confirmedTicks; // of UTC; 0: not yet
    private DateTimeOffset _savedAt;

    /// <summary>Begins with what is on disk.</summary>
    public ControlState(
        IEnumerable<ControlTarget> targets, TlsMaterial material, IOptions<SyncClientOptions> options,
        ControlMetrics metrics, TimeProvider time, ILogger<ControlState> logger)
    {
        (_material, _options, _metrics, _time, _logger) = (material, options.Value, metrics, time, logger);
        _targets = targets.ToFrozenDictionary(t => t.Key, StringComparer.Ordinal);
        _startedAt = time.GetUtcNow();
        if (IsOn)
        {
            _file = new SnapshotFile(_options.SnapshotFile);
            ReadSnapshot(_file);
        }
        metrics.Observe(_targets.Values, () => Age);
    }

    /// <summary>There are nodes to ask.</summary>
    public bool IsOn => _options.Nodes.Count > 0;

    /// <summary>
    /// How long what is in use may have been overtaken: since it was last confirmed, by this process or, before it was,
    /// by the one that left the snapshot; else since the start. Null: nothing confirms it, it goes by files.
    /// </summary>
    public TimeSpan? Age
    {
        get
        {
            if (!IsOn)
                return null;
            var age = _time.GetUtcNow() - (Confirmed ?? _startedAt);
            return age > TimeSpan.Zero ? age : TimeSpan.Zero;
        }
    }

    private DateTimeOffset? Confirmed
    {
        get => Volatile.Read(ref _confirmedTicks) is > 0 and var ticks ? new(ticks, TimeSpan.Zero) : null;
        set => Volatile.Write(ref _confirmedTicks, value?.UtcTicks ?? 0);
    }

    /// <summary>It is older than <c>SyncClient:AgeMax</c>.</summary>
    public bool IsTooOld => _options.AgeMax is { } max && Age > max;

    /// <summary>What stands in Sync and is not taken, by key.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Refused
    {
        get
        {
            lock (_gate)
                return [.. _refused];
        }
    }

    /// <summary>A record came.</summary>
    public void Offer(string key, ReadOnlyMemory<byte> jws)
    {
        if (!_targets.TryGetValue(key, out var target))
            return; // another service's
        lock (_gate)
            if (Take(target, jws, fromDisk: false))
                Save();
    }

    /// <summary>A record was deleted: anybody could do that, and nobody signs it. What is in use stays.</summary>
    public void OfferDeleted(string key)
    {
        if (!_targets.TryGetValue(key, out var target))
            return;
        lock (_gate)
            Refuse(target, "deleted", "was deleted: a version that takes nothing away is published instead.");
    }

    /// <summary>All that was there at this time has come.</summary>
    public void Confirm(DateTimeOffset asOf)
    {
        lock (_gate)
        {
            if (asOf <= Confirmed)
                return;
            Confirmed = asOf;
            if (_time.GetUtcNow() - _savedAt >= SaveInterval)
                Save();
        }
    }

    /// <summary>Keeps the time of confirmation for the next start.</summary>
    public void SaveLast()
    {
        lock (_gate)
            if (Confirmed is not null)
                Save();
    }

    /// <summary>What one of those who may sign for this target signed.</summary>
    /// <exception cref="ControlContentException">It is not.</exception>
    private SignedContent Verify(ControlTarget target, ReadOnlyMemory<byte> jws) => SignedContent.Read(
        jws, target.Key,
        (certificate, at) => target.SignerUses.Any(use => _material.IsTrusted(certificate, new Oid(use), at)),
        _time.GetUtcNow());

    private bool Take(ControlTarget target, ReadOnlyMemory<byte> jws, bool fromDisk)
    {
        try
        {
            var content = Verify(target, jws);
            var outcome = target.Take(content);
            _records[target.Key] = content;
            _refused.Remove(target.Key);
            if (outcome == TakeOutcome.Same)
                return false;
            Count(target, outcome == TakeOutcome.Taken ? "taken" : "passed");
            if (outcome == TakeOutcome.Taken)
                LogTaken(target.Key, content.Version, fromDisk ? "its snapshot" : "Sync");
            else
                LogPassed(target.Key, content.Version, target.Version);
            return true;
        }
        catch (ControlContentException e)
        {
            Refuse(target, "refused", e.Message);
            return false;
        }
    }

    private void Refuse(ControlTarget target, string outcome, string why)
    {
        _refused[target.Key] = why;
        Count(target, outcome);
        LogRefused(target.Key, why, target.Version);
    }

    private void Count(ControlTarget target, string outcome) => _metrics.Records.Add(1,
        new KeyValuePair<string, object?>("lepton.record", target.Key),
        new KeyValuePair<string, object?>("lepton.outcome", outcome));

    private void ReadSnapshot(SnapshotFile file)
    {
        try
        {
            if (file.Read() is not { } content)
                return;
            var whole = true;
            foreach (var (key, jws) in content.Records)
                if (_targets.TryGetValue(key, out var target))
                    whole &= Take(target, Encoding.ASCII.GetBytes(jws), fromDisk: true);
            // A time that is yet to come, or goes with something that is not true, confirms nothing.
            if (whole && content.Confirmed <= _time.GetUtcNow())
                Confirmed = content.Confirmed;
            if (!whole)
                Failed("verify", "holds what is not taken.");
        }
        catch (InvalidDataException e)
        {
            Failed("verify", e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failed("read", e.Message);
        }
    }

    private void Save()
    {
        if (_file is null)
            return;
        try
        {
            _savedAt = _time.GetUtcNow();
            _file.Write(Confirmed, _records.Values);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failed("write", e.Message); // goes on from memory; the next change tries again
        }
    }

    private void Failed(string operation, string why)
    {
        _metrics.SnapshotFailures.Add(1, new KeyValuePair<string, object?>("lepton.operation", operation));
        LogSnapshotFailed(operation, why);
    }

    [LoggerMessage(LogLevel.Information, "{Key} is of version {Version} now, from {Source}.")]
    private partial void LogTaken(string key, long version, string source);

    [LoggerMessage(LogLevel.Information, "{Key} is of version {Version} in Sync; the file's {InUse} stays in use.")]
    private partial void LogPassed(string key, long version, long inUse);

    [LoggerMessage(LogLevel.Error, "{Key} in Sync is not taken: {Why} Version {Version} stays in use.")]
    private partial void LogRefused(string key, string why, long version);

    [LoggerMessage(LogLevel.Error, "The snapshot of control data ({Operation}): {Why}")]
    private partial void LogSnapshotFailed(string operation, string why);
}
