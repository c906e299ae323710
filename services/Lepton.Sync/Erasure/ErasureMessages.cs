using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Records;

namespace Lepton.Sync.Erasure;

/// <summary>Between the wire's types and ours.</summary>
internal static class ErasureMessages
{
    public const int KeyIdBytes = 16;

    public static V1.Erasure Write(Erasure erasure) => new()
    {
        ErasureId = erasure.Order.Id.ToString(),
        Tenant = erasure.Order.Subject.Tenant,
        OrderTime = Timestamp.FromDateTimeOffset(erasure.Order.OrderTime),
        Receipts =
        {
            erasure.Nodes.Select(n => erasure.IsDone(n) && n.Receipt is { } receipt
                ? Write(receipt)
                : new V1.ErasureReceipt { Node = n.Node, Region = n.Region, State = V1.ErasureState.Pending }),
        },
    };

    public static V1.ErasureReceipt Write(NodeReceipt receipt) => new()
    {
        Node = receipt.Node,
        Region = receipt.Region,
        State = V1.ErasureState.Done,
        DestroyTime = Timestamp.FromDateTimeOffset(receipt.DestroyTime),
        Keys = receipt.Keys,
        Records = receipt.Records,
        Signature = receipt.Signature,
    };

    /// <exception cref="FormatException">There is none, or it is not whole.</exception>
    public static NodeReceipt Read(V1.ErasureReceipt? receipt) =>
        receipt is { State: V1.ErasureState.Done, DestroyTime: { } destroyTime }
            ? new NodeReceipt(receipt.Node, receipt.Region, TimeOf(destroyTime), receipt.Keys, receipt.Records,
                receipt.Signature)
            : throw new FormatException("The answer holds no receipt.");

    public static IEnumerable<ByteString> Write(IEnumerable<KeyId> ids) =>
        ids.Select(id => ByteString.CopyFrom(id.Value.ToByteArray(bigEndian: true)));

    /// <exception cref="FormatException">One is not 16 bytes long.</exception>
    public static KeyId[] Read(IEnumerable<ByteString> ids) => [.. ids.Select(id => id.Length == KeyIdBytes
        ? new KeyId(new Guid(id.Span, bigEndian: true))
        : throw new FormatException($"A key's id takes {KeyIdBytes} bytes; not {id.Length}."))];

    /// <exception cref="FormatException">It is beyond what a timestamp may be.</exception>
    public static DateTimeOffset TimeOf(Timestamp time)
    {
        try
        {
            return time.ToDateTimeOffset();
        }
        catch (InvalidOperationException e)
        {
            throw new FormatException("A time is out of range.", e);
        }
    }
}
