using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;

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

    /// <summary>Null: a row without a key, which stands for none.</summary>
    /// <exception cref="InvalidDataException">It is no row.</exception>
    public static StoredRecord? Row(V1.StoredRow row) => row.Key.Length == 0
        ? null
        : RowCodec.ToRecord(row) ?? throw new InvalidDataException("A node sent what is no row.");

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
