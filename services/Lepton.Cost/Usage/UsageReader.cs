using System.Text.RegularExpressions;
using Google.Protobuf.Collections;
using Lepton.Cost.Prices;
using Lepton.ServiceDefaults;

namespace Lepton.Cost.Usage;

/// <summary>From the wire: each field checked, the first fault named.</summary>
internal static partial class UsageReader
{
    private const int AttemptsMax = 1000, EgressMax = 16, RequestMax = 128, ReasonMax = 256;

    /// <summary>Reads an event.</summary>
    /// <exception cref="Grpc.Core.RpcException">FIELD_INVALID.</exception>
    public static UsageEvent Read(V1.UsageEvent wire)
    {
        var id = ReadId(wire.Id ?? throw RpcErrors.FieldInvalid("id", "is required"));
        if (wire.UsageTime is null)
            throw RpcErrors.FieldInvalid("usage_time", "is required");
        List<Quantity> quantities = [];
        var isNode = wire.NodeMilliseconds != 0;
        Add(Meter.NodeTime, "node_milliseconds", wire.NodeMilliseconds,
            isNode ? Required("tier", wire.Tier, t => t is "core" or "edge", "core or edge") : "",
            isNode ? Name("node_type", wire.NodeType) : "");
        Add(Meter.GpuTime, "gpu_milliseconds", wire.GpuMilliseconds, "",
            wire.GpuMilliseconds != 0 ? Name("gpu_type", wire.GpuType) : "");
        Add(Meter.Items, "items", wire.Items);
        Add(Meter.Requests, "requests", wire.Requests);
        Add(Meter.Storage, "storage_megabyte_hours", wire.StorageMegabyteHours, "",
            wire.StorageMegabyteHours != 0 ? Name("storage_type", wire.StorageType) : "");
        if (wire.Egress.Count > EgressMax)
            throw RpcErrors.FieldInvalid("egress", $"takes at most {EgressMax}");
        for (var i = 0; i < wire.Egress.Count; i++)
        {
            var egress = wire.Egress[i];
            var bytes = Signed($"egress[{i}].bytes", egress.Bytes, id.Reversal);
            quantities.Add(new Quantity(new PriceKey(Meter.Egress, Name($"egress[{i}].from_region", egress.FromRegion),
                Name($"egress[{i}].to_region", egress.ToRegion)), bytes));
        }
        return new UsageEvent
        {
            Id = id,
            Time = wire.UsageTime.ToDateTimeOffset(),
            Outcome = (AttemptOutcome)wire.Outcome is var outcome && Enum.IsDefined(outcome) ? outcome
                : throw RpcErrors.FieldInvalid("outcome", "takes a value of AttemptOutcome"),
            Model = wire.PricingModel == V1.PricingModel.Unspecified ? PricingModel.OnDemand
                : (PricingModel)(wire.PricingModel - 1) is var model && Enum.IsDefined(model) ? model
                : throw RpcErrors.FieldInvalid("pricing_model", "takes a value of PricingModel"),
            Node = Short("node", wire.Node),
            Tags = new UsageTags(Name("region", wire.Region), Short("zone", wire.Zone), Name("tenant", wire.Tenant),
                Short("model", wire.Model), Short("task", wire.Task), Short("environment", wire.Environment),
                ReadTags(wire.Tags)),
            Quantities = quantities,
            Reason = wire.Reason.Length <= ReasonMax ? wire.Reason
                : throw RpcErrors.FieldInvalid("reason", $"takes at most {ReasonMax} characters"),
        };

        void Add(Meter meter, string field, long units, string tier = "", string type = "")
        {
            if (Signed(field, units, id.Reversal) != 0)
                quantities.Add(new Quantity(new PriceKey(meter, wire.Region, "", tier, type), units));
        }
    }

    private static UsageId ReadId(V1.UsageId id)
    {
        if (id.RequestId.Length is 0 or > RequestMax)
            throw RpcErrors.FieldInvalid("id.request_id", $"takes 1 to {RequestMax} characters");
        if (id.Attempt is < 0 or > AttemptsMax)
            throw RpcErrors.FieldInvalid("id.attempt", $"takes 0 to {AttemptsMax}");
        if (id.Revision is < 0 or > AttemptsMax)
            throw RpcErrors.FieldInvalid("id.revision", $"takes 0 to {AttemptsMax}");
        if ((UsageSource)id.Source is var source && !Enum.IsDefined(source))
            throw RpcErrors.FieldInvalid("id.source", "is required and takes a value of UsageSource");
        return new UsageId(id.RequestId, id.Attempt, source, id.Revision, id.Reversal);
    }

    private static Dictionary<string, string> ReadTags(MapField<string, string> tags)
    {
        if (tags.Count > UsageTags.UserMax)
            throw RpcErrors.FieldInvalid("tags", $"takes at most {UsageTags.UserMax}");
        foreach (var (key, value) in tags)
        {
            if (!NamePattern().IsMatch(key))
                throw RpcErrors.FieldInvalid("tags", "takes keys of 1 to 64 lower-case letters, digits, ., _ and -");
            if (value.Length > UsageTags.ValueMax)
                throw RpcErrors.FieldInvalid($"tags.{key}", $"takes at most {UsageTags.ValueMax} characters");
        }
        return new Dictionary<string, string>(tags);
    }

    private static long Signed(string field, long units, bool reversal) =>
        (reversal ? units <= 0 : units >= 0) && units > -long.MaxValue ? units
            : throw RpcErrors.FieldInvalid(field, reversal ? "takes 0 or less in a reversal" : "takes 0 or more");

    private static string Name(string field, string value) => Required(field, value, NamePattern().IsMatch,
        "1 to 64 lower-case letters, digits, ., _ and -");

    private static string Short(string field, string value) => value.Length <= UsageTags.ValueMax ? value
        : throw RpcErrors.FieldInvalid(field, $"takes at most {UsageTags.ValueMax} characters");

    private static string Required(string field, string value, Func<string, bool> isTaken, string takes) =>
        isTaken(value) ? value : throw RpcErrors.FieldInvalid(field, $"is required and takes {takes}");

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,63}\z")]
    private static partial Regex NamePattern();
}
