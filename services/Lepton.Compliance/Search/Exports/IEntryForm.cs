using Lepton.Compliance.Audit.Storage;

namespace Lepton.Compliance.Search.Exports;

/// <summary>A form in which entries are taken out. Not safe for concurrent use.</summary>
internal interface IEntryForm
{
    Task BeginAsync(CancellationToken cancellationToken);

    Task WriteAsync(StoredEntry entry, CancellationToken cancellationToken);

    Task EndAsync(CancellationToken cancellationToken);
}

/// <summary>How far an export came, for who writes it down.</summary>
internal sealed class ExportProgress
{
    public long Entries { get; set; }

    /// <summary>Of the head that it is up to; 0: the log is empty.</summary>
    public long Size { get; set; }
}
