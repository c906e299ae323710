namespace Lepton.Sync.Backup;

/// <summary>Why a backup, or what is done with one, could not go on.</summary>
internal enum BackupFault
{
    /// <summary>The database server does not answer, or ended the connection.</summary>
    ServerUnavailable,

    /// <summary>The database server refused; the message is its own.</summary>
    ServerRefused,

    /// <summary>Where backups are kept cannot be read or written.</summary>
    StoreUnavailable,

    /// <summary>What backups may take is taken.</summary>
    StoreFull,

    /// <summary>Bytes are not those that were written: changed, cut off, or in another order or place.</summary>
    Damaged,

    /// <summary>It belongs to another region, or the key does.</summary>
    WrongRegion,

    /// <summary>A part of the write-ahead log is missing.</summary>
    LogGap,

    /// <summary>There is no such backup, or none that reaches the wanted time.</summary>
    NotFound,

    /// <summary>The data folder holds what is not the database's.</summary>
    ForeignFiles,

    /// <summary>The restored server did not come up, or not as far as it should.</summary>
    RestoreFailed,

    /// <summary>What was asked for is not possible as configured.</summary>
    Invalid,
}

/// <summary>Backup, restore or verification cannot go on; the message says why and holds no record's content.</summary>
internal sealed class BackupException(BackupFault fault, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public BackupFault Fault { get; } = fault;

    /// <summary>The database server's code where it refused; else empty.</summary>
    public string SqlState { get; init; } = "";
}
