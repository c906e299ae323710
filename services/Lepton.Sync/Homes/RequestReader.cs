using System.Text;
using Lepton.Compliance.Client;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;

namespace Lepton.Sync.Homes;

/// <summary>From wire messages to checked commands: fields, whose tenant, which class, whether here.</summary>
internal sealed class RequestReader(
    ITopologySource topology, IRecordSealer sealer, ControlRecord<ResidencyPolicy> policies, AccessFile access)
{
    public const int KeyBytesMax = 1024, ValueBytesMax = 1 << 20, SubjectBytesMax = 256, BatchMax = 1000,
        BatchBytesMax = 8 << 20;

    private static readonly Encoding StrictUtf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    private readonly TenantRules _tenants = new(access);

    /// <summary>The class, if this region may hold it.</summary>
    public RecordClass Class(string field, string name)
    {
        var now = topology.Current;
        var found = now.FindClass(name) ?? throw SyncErrors.ClassUnknown(field, name, now);
        return topology.MayHold(found, topology.Self.Region)
            ? found
            : throw SyncErrors.NodeNotAllowed(found, topology.Self.Region);
    }

    /// <summary>The tenant that a caller acts for.</summary>
    public string Tenant(Caller caller, string named, Permission permission) => _tenants.Of(caller, named, permission);

    /// <summary>A tenant's data never falls below its floor: no class that is kept elsewhere too.</summary>
    public void CheckFloor(RecordClass recordClass, string tenant)
    {
        var policy = policies.Current;
        var floor = policy.TenantFloor(tenant) ?? throw SyncErrors.TenantUnknown(tenant);
        if (recordClass.Regions.Any(region => !floor.Kept.Contains(policy.IndexOf(region))))
            throw SyncErrors.ClassTooWide(recordClass, tenant, floor.Name);
    }

    public RecordAddress Address(string field, V1.RecordKey? key, Caller caller, Permission permission)
    {
        if (key is null)
            throw SyncErrors.FieldInvalid(field, "is required");
        var recordClass = Class($"{field}.record_class", key.RecordClass);
        var tenant = Tenant(caller, key.Tenant, permission);
        if (StrictUtf8.GetByteCount(key.Key) is 0 or > KeyBytesMax)
            throw SyncErrors.FieldInvalid($"{field}.key", $"takes 1 to {KeyBytesMax} bytes of UTF-8");
        return Address(recordClass, tenant, key.Key);
    }

    public RecordAddress Address(RecordClass recordClass, string tenant, string key)
    {
        var stored = sealer.StoredKey(recordClass.Id, tenant, key);
        return new RecordAddress(recordClass, tenant, key, stored, KeyHash.SlotOf(stored.Span));
    }

    public WriteCommand Write(string field, V1.Write? write, Caller caller)
    {
        if (write is null)
            throw SyncErrors.FieldInvalid(field, "is required");
        var address = Address($"{field}.key", write.Key, caller, Permission.RecordsWrite);
        CheckFloor(address.Class, address.Tenant);
        if (write.Value.Length > ValueBytesMax)
            throw SyncErrors.FieldInvalid($"{field}.value", $"takes at most {ValueBytesMax} bytes");
        if (StrictUtf8.GetByteCount(write.Subject) > SubjectBytesMax)
            throw SyncErrors.FieldInvalid($"{field}.subject", $"takes at most {SubjectBytesMax} bytes of UTF-8");
        if (write.Subject.Length > 0 && address.Class.Keys == KeyForm.Clear)
            throw SyncErrors.FieldInvalid(
                $"{field}.subject", $"is for classes with blind keys; {address.Class.Name} keeps its keys in clear");
        return new WriteCommand
        {
            Address = address,
            Kind = write.Delete ? RecordKind.Tombstone : RecordKind.Value,
            Value = write.Delete ? default : write.Value.Memory,
            Expected = Version($"{field}.expected_version", write.ExpectedVersion),
            Subject = write.Subject.Length == 0 ? null : write.Subject,
            RequestId = RequestId($"{field}.request_id", write.RequestId),
        };
    }

    public IReadOnlyList<WriteCommand> Writes(IReadOnlyList<V1.Write> writes, Caller caller)
    {
        if (writes.Count is 0 or > BatchMax)
            throw SyncErrors.FieldInvalid("writes", $"takes 1 to {BatchMax}");
        if (writes.Sum(w => (long)w.CalculateSize()) > BatchBytesMax)
            throw SyncErrors.FieldInvalid("writes", $"takes at most {BatchBytesMax} bytes together");
        List<WriteCommand> commands = new(writes.Count);
        HashSet<(ClassId, string, string)> seen = [];
        for (var i = 0; i < writes.Count; i++)
        {
            var command = Write($"writes[{i}]", writes[i], caller);
            if (!seen.Add((command.Address.Class.Id, command.Address.Tenant, command.Address.Key)))
                throw SyncErrors.FieldInvalid($"writes[{i}].key", "comes twice: a batch takes each key once");
            commands.Add(command);
        }
        return commands;
    }

    /// <summary>The level, if the replicas of each key can meet it.</summary>
    public LevelWish Level(V1.WriteLevel level, int otherRegions, IReadOnlyList<WriteCommand> commands)
    {
        if (!Enum.IsDefined(level))
            throw SyncErrors.FieldInvalid("level", "takes LOCAL, ZONE, ANY or EACH");
        if (otherRegions is < 0 or > 8 || (otherRegions > 0 && level != V1.WriteLevel.Any))
            throw SyncErrors.FieldInvalid("other_regions", "takes 1 to 8, with the level ANY");
        LevelWish wish = new(level, otherRegions);
        if (level != V1.WriteLevel.Unspecified)
            foreach (var command in commands)
                if (Levels.Unreachable(level, Math.Max(1, otherRegions), topology.Current, command.Address) is { } why)
                    throw SyncErrors.FieldInvalid("level", why);
        return wish;
    }

    /// <summary>A version as it was answered; None: <c>0</c>; null: no word of it.</summary>
    public static RecordVersion? Version(string field, string text) =>
        text.Length == 0 ? null
            : RecordVersion.TryParse(text, out var version) ? version
            : throw SyncErrors.FieldInvalid(field, "takes a version as it was answered, 0 for none, or nothing");

    private static Guid RequestId(string field, string text) =>
        text.Length == 0 ? Guid.Empty
            : Guid.TryParseExact(text, "D", out var id) && id != Guid.Empty ? id
            : throw SyncErrors.FieldInvalid(field, "takes a UUID, e.g. 0197f2c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f");
}
