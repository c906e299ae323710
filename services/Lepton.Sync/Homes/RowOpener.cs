using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Homes;

/// <summary>Opens rows; a key that is not here yet is fetched from who gave the row.</summary>
internal sealed class RowOpener(IRecordSealer sealer, IKeyFetch fetch)
{
    public async ValueTask<OpenedRecord> OpenAsync(
        StoredRecord row, SyncNode source, CancellationToken cancellationToken)
    {
        var opened = sealer.Open(row);
        if (opened.State != OpenState.KeyMissing)
            return opened;
        await fetch.FetchAsync(source, [row.KeyId], cancellationToken);
        return sealer.Open(row);
    }

    public static FoundState StateOf(OpenState state) => state switch
    {
        OpenState.Opened => FoundState.Found,
        OpenState.Erased => FoundState.Erased,
        OpenState.Damaged => FoundState.Damaged,
        _ => FoundState.Unavailable,
    };
}

/// <summary>Gets data keys from another node and keeps them here.</summary>
internal interface IKeyFetch
{
    /// <summary>Asks for keys; those that cannot be had stay unknown.</summary>
    Task FetchAsync(SyncNode source, IReadOnlyList<KeyId> ids, CancellationToken cancellationToken);
}
