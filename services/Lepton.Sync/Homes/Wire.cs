using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;

namespace Lepton.Sync.Homes;

/// <summary>Domain to wire and back, for what both callers and nodes see.</summary>
internal static class Wire
{
    public static V1.RecordKey Key(RecordAddress address) => new()
    {
        RecordClass = address.Class.Name, Key = address.Key, Tenant = address.Tenant,
    };

    public static V1.Record Record(RecordAddress address, ReadOnlyMemory<byte> value, RecordVersion version) => new()
    {
        Key = Key(address),
        Value = UnsafeByteOperations.UnsafeWrap(value),
        Version = version.ToString(),
        WriteTime = version.WriteTime.ToTimestamp(),
    };

    public static V1.Freshness Freshness(ReadFreshness freshness)
    {
        V1.Freshness wire = new() { Node = freshness.Node, Home = freshness.Home, Cached = freshness.Cached };
        if (freshness.StalenessMax is { } age)
            wire.StalenessMax = Duration.FromTimeSpan(age);
        return wire;
    }

    public static V1.WriteResult Result(WriteReply reply) => new()
    {
        Version = reply.Version.ToString(),
        Conflict = reply.Reason == HomeReason.Conflict,
        Repeated = reply.Repeated,
        Durability = new V1.Durability
        {
            Committed = reply.Durability.Committed,
            ZoneConfirmed = reply.Durability.Zone,
            ConfirmedRegions = { reply.Durability.Regions },
        },
    };

    public static V1.StoredRow Row(StoredRecord record) => new()
    {
        ClassId = record.Class.Value,
        Slot = record.Slot.Value,
        Key = UnsafeByteOperations.UnsafeWrap(record.Key),
        Term = record.Version.Term,
        Clock = record.Version.Clock,
        KeyId = record.KeyId == KeyId.None ? ByteString.Empty : Bytes(record.KeyId.Value),
        Kind = (int)record.Kind,
        Body = UnsafeByteOperations.UnsafeWrap(record.Body),
        Sha256 = UnsafeByteOperations.UnsafeWrap(record.Sha256),
        RequestId = record.RequestId == Guid.Empty ? ByteString.Empty : Bytes(record.RequestId),
    };

    /// <summary>Null: a row without a key, which stands for none.</summary>
    /// <exception cref="InvalidDataException">It is no row.</exception>
    public static StoredRecord? Row(V1.StoredRow row)
    {
        if (row.Key.Length == 0)
            return null;
        if (row.Key.Length > StoredRecord.KeyBytesMax || row.Slot is < 0 or >= SlotId.Count || row.Kind is < 0 or > 1
            || row.ClassId is < 0 or > short.MaxValue || row.Term < 1 || row.Clock < 1 || row.Sha256.Length != 32)
            throw new InvalidDataException("A node sent what is no row.");
        return new StoredRecord
        {
            Class = new ClassId((short)row.ClassId),
            Slot = new SlotId((short)row.Slot),
            Key = row.Key.Memory,
            Version = new RecordVersion(row.Term, row.Clock),
            Kind = (RecordKind)row.Kind,
            KeyId = row.KeyId.Length == 0 ? KeyId.None : new KeyId(Id(row.KeyId)),
            Body = row.Body.Memory,
            RequestId = row.RequestId.Length == 0 ? Guid.Empty : Id(row.RequestId),
            Sha256 = row.Sha256.Memory,
        };
    }

    public static ByteString Bytes(Guid id) => ByteString.CopyFrom(id.ToByteArray(bigEndian: true));

    private static Guid Id(ByteString bytes) => bytes.Length == 16
        ? new Guid(bytes.Span, bigEndian: true)
        : throw new InvalidDataException("A node sent an id that is not 16 bytes.");

    public static V1.Write Write(WriteCommand command) => new()
    {
        Key = Key(command.Address),
        Value = UnsafeByteOperations.UnsafeWrap(command.Value),
        Delete = command.Kind == RecordKind.Tombstone,
        ExpectedVersion = command.Expected?.ToString() ?? "",
        Subject = command.Subject ?? "",
        RequestId = command.RequestId == Guid.Empty ? "" : command.RequestId.ToString("D"),
    };
}
