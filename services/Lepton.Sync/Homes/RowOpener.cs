using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Homes;

/// <summary>Opens rows; a key that is not here yet is fetched from who gave the row.</summary>
internal sealed class RowOpener(IRecordSealer sealer, ReplicaView replicas)
{
    public async ValueTask<OpenedRecord> OpenAsync(
        StoredRecord row, SyncNode source, CancellationToken cancellationToken)
    {
        var opened = sealer.Open(row);
        if (opened.State != OpenState.KeyMissing)
            return opened;
        await replicas.FetchKeyAsync(source, row.KeyId, cancellationToken);
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
