using System.Text.Json.Serialization;

namespace Lepton.Compliance.Policies;

/// <summary>One version as it is kept (record <c>policies/VERSION</c>). Its document never changes.</summary>
internal sealed record PolicyRecord
{
    public required long Version { get; init; }

    /// <summary><c>sha256:</c> and 64 hex digits, over the document.</summary>
    public required string Digest { get; init; }

    /// <summary>JSON, regimes in it.</summary>
    public required byte[] Document { get; init; }

    /// <summary>Who submitted it; empty: a seed.</summary>
    public string Author { get; init; } = "";

    public DateTimeOffset? SubmitTime { get; init; }

    /// <summary>Who approved it; empty: nobody yet.</summary>
    public string Approver { get; init; } = "";

    public DateTimeOffset? ApproveTime { get; init; }

    public string Note { get; init; } = "";

    /// <summary>In force before there was an order.</summary>
    public bool IsSeed { get; init; }

    /// <summary>When it was first active in a region; null: not yet.</summary>
    public DateTimeOffset? PilotTime { get; init; }

    /// <summary>When it was first active everywhere; null: not yet.</summary>
    public DateTimeOffset? EverywhereTime { get; init; }

    [JsonIgnore]
    public bool IsApproved => IsSeed || Approver.Length > 0;
}

/// <summary>The versions there are (record <c>policies/index</c>), and what was active before the last order.</summary>
internal sealed record PolicyIndex
{
    public IReadOnlyList<long> Versions { get; init; } = [];

    /// <summary>By region, <c>*</c> for every other; empty: there was no order.</summary>
    public IReadOnlyDictionary<string, long> Before { get; init; } = new Dictionary<string, long>();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PolicyRecord))]
[JsonSerializable(typeof(PolicyIndex))]
internal sealed partial class PolicyJson : JsonSerializerContext;
