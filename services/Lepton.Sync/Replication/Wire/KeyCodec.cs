using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Replication.Wire;

/// <summary>Data keys on the wire.</summary>
internal static class KeyCodec
{
    private const int KeyBytes = 32;

    public static V1.DataKey ToWire(KeyId id, DataKeyLookup found)
    {
        V1.DataKey wire = new()
        {
            KeyId = RowCodec.ToBytes(id.Value),
            State = found.State switch
            {
                KeyState.Live => V1.DataKeyState.Live,
                KeyState.Erased => V1.DataKeyState.Erased,
                _ => V1.DataKeyState.Unspecified,
            },
        };
        if (found is not { State: KeyState.Live, Key: { } key })
            return wire;
        wire.Key = ByteString.CopyFrom(key.Key.Span);
        wire.ClassId = key.Class.Value;
        wire.Tenant = key.Subject?.Tenant ?? "";
        wire.CreateTime = Timestamp.FromDateTimeOffset(key.CreateTime);
        wire.SubjectDigest = key.Subject is { } subject ? ByteString.CopyFrom(subject.Digest.Span) : ByteString.Empty;
        return wire;
    }

    /// <summary>What was answered of a key; unknown where it makes no sense.</summary>
    public static DataKeyLookup FromWire(V1.DataKey wire)
    {
        if (wire.State == V1.DataKeyState.Erased)
            return new DataKeyLookup(KeyState.Erased, null);
        if (wire.State != V1.DataKeyState.Live || wire.Key.Length != KeyBytes
            || !RowCodec.TryGuid(wire.KeyId, out var id) || wire.ClassId is < 0 or > short.MaxValue)
            return new DataKeyLookup(KeyState.Unknown, null);
        var subject = wire.SubjectDigest.Length > 0
            ? new SubjectDigest(wire.Tenant, wire.SubjectDigest.ToByteArray())
            : null;
        return new DataKeyLookup(KeyState.Live, new DataKey(
            new KeyId(id), new ClassId((short)wire.ClassId), subject, wire.Key.ToByteArray())
            {
                CreateTime = wire.CreateTime?.ToDateTimeOffset() ?? default,
            });
    }
}
