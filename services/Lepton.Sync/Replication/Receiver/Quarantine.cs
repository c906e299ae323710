using System.Security.Cryptography;
using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Receiver;

/// <summary>Keeps a damaged row for people to look at.</summary>
internal interface IQuarantineFiles
{
    void Save(string name, ReadOnlySpan<byte> row);
}

/// <summary>
/// Rows that came damaged. Each is asked for anew some times; one that is damaged every time is damaged where it comes
/// from: it is put aside and reported, so that it does not hold up all the others.
/// </summary>
internal sealed partial class Quarantine
{
    private const int KnownMax = 10_000;

    private readonly Dictionary<Damaged, int> _tries = [];
    private readonly Lock _state = new();
    private readonly IQuarantineFiles _files;
    private readonly int _triesMax;
    private readonly ReplicationMetrics _metrics;
    private readonly ILogger<Quarantine> _logger;
    private int _kept;

    public Quarantine(IQuarantineFiles files, ReplicationOptions options, ReplicationMetrics metrics,
        ILogger<Quarantine> logger)
    {
        (_files, _triesMax, _metrics, _logger) = (files, options.DamagedTriesMax, metrics, logger);
        metrics.WatchQuarantine(() => Count);
    }

    private readonly record struct Damaged(
        NodeId Source, ClassId Class, SlotId Slot, string Key, RecordVersion Version);

    /// <summary>Rows put aside since the start.</summary>
    public int Count => Volatile.Read(ref _kept);

    /// <summary>True: this row was asked for often enough, and is passed over from now on.</summary>
    public bool PutsAside(NodeId source, StoredRecord record)
    {
        Damaged damaged = new(source, record.Class, record.Slot,
            Convert.ToHexStringLower(SHA256.HashData(record.Key.Span).AsSpan(0, 8)), record.Version);
        lock (_state)
        {
            if (_tries.Count >= KnownMax && !_tries.ContainsKey(damaged))
                return false; // so much damage is no matter of single rows
            var tries = _tries[damaged] = _tries.GetValueOrDefault(damaged) + 1;
            if (tries < _triesMax)
                return false;
            if (tries > _triesMax)
                return true;
        }
        _files.Save($"{source.Value}-{record.Class.Value}-{record.Slot.Value}-{damaged.Key}-{record.Version}",
            RowCodec.Encode(record));
        Interlocked.Increment(ref _kept);
        _metrics.Damaged("quarantined");
        LogPutAside(source.Value, record.Class.Value, record.Slot.Value, record.Version.ToString(), _triesMax);
        return true;
    }

    [LoggerMessage(LogLevel.Critical,
        "A row of node {Source}, class {RecordClass}, slot {Slot}, version {Version} came damaged "
        + "{Tries} times: it is put aside and not held here")]
    private partial void LogPutAside(short source, short recordClass, short slot, string version, int tries);
}
