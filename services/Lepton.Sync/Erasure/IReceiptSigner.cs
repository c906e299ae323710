using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;

namespace Lepton.Sync.Erasure;

/// <summary>Gives this node's word.</summary>
internal interface IReceiptSigner
{
    NodeReceipt Sign(ErasureOrder order, SyncNode self, DateTimeOffset destroyTime, int keys, long records);
}

/// <summary>Signs with the certificate that the node shows in every connection.</summary>
internal sealed class ReceiptSigner(TlsMaterial material) : IReceiptSigner
{
    public NodeReceipt Sign(ErasureOrder order, SyncNode self, DateTimeOffset destroyTime, int keys, long records) =>
        Receipts.Sign(order, self.Name, self.Region, destroyTime, keys, records, material.Certificate);
}
