using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Routing.Balancing;

namespace Lepton.Routing.Decisions;

/// <summary>
/// One decision as it grows. On the request's way it only keeps references to what is immutable and copies a few
/// numbers; the record is made of it afterwards, elsewhere.
/// </summary>
internal sealed class DecisionDraft
{
    public const int UnderWay = -1;

    /// <summary>A second router takes over its origin's id, so that both parts are found by one.</summary>
    public required string Id { get; set; }

    public required string Region { get; init; }

    public required DateTimeOffset CreateTime { get; init; }

    public required string Method { get; init; }

    public required ResidencyPolicy Policy { get; init; }

    public string Tenant { get; set; } = "";

    public string Principal { get; set; } = "";

    public string Model { get; set; } = "";

    public string ModelVersion { get; set; } = "";

    /// <summary>The class that the caller asked for.</summary>
    public string AskedClass { get; set; } = "";

    public EffectiveClass? Class { get; set; }

    public string Strategy { get; set; } = "";

    public string Priority { get; set; } = "";

    public string OriginRegion { get; set; } = "";

    public List<AttemptDraft> Attempts { get; } = [];

    public int StatusCode { get; set; } = UnderWay;

    public string Reason { get; set; } = "";

    public string Message { get; set; } = "";

    public TimeSpan Duration { get; set; }

    public long BytesRead { get; set; }

    public string ServedBy { get; set; } = "";

    public string ServedRegion { get; set; } = "";

    public string Provider { get; set; } = "";

    public V1.Decision ToDecision()
    {
        V1.Decision decision = new()
        {
            Id = Id,
            Region = Region,
            CreateTime = CreateTime.ToTimestamp(),
            Tenant = Tenant,
            Principal = Principal,
            Method = Method,
            Model = Model,
            ModelVersion = ModelVersion,
            DataClass = Class?.Name ?? "",
            Regulated = Class?.Regulated ?? false,
            PolicyVersion = Policy.VersionText,
            PolicyDigest = Policy.Digest,
            PolicyOrder = Policy.Order,
            TopologyVersion = Attempts.Count > 0 ? Attempts[0].View.TopologyVersion : 0,
            Strategy = Strategy,
            Priority = Priority,
            StatusCode = StatusCode,
            Reason = Reason,
            Message = Message,
            Duration = Duration.ToDuration(),
            OriginRegion = OriginRegion,
            RequestBytesRead = (ulong)BytesRead,
            ServedBy = ServedBy,
            ServedRegion = ServedRegion,
            Provider = Provider,
            AskedClass = AskedClass,
        };
        // Off the request's way: why the class may be where it was served, or not here.
        if (Class is { } known && Policy.Explain(
            known.Name, Purpose.Inference, ServedRegion.Length > 0 ? ServedRegion : Region) is { } answer)
            (decision.RuleId, decision.RuleSource) = (answer.RuleId, answer.Source);
        decision.DataClassSources.AddRange(ClassSources.Of(this));
        decision.AllowedRegions.AddRange(Class?.Regions ?? []);
        for (int i = 0; i < Attempts.Count; i++)
            decision.Attempts.Add(Attempts[i].ToAttempt(i + 1));
        return decision;
    }
}
