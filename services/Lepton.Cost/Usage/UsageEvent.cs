using Lepton.Cost.Prices;

namespace Lepton.Cost.Usage;

/// <summary>Who measured.</summary>
internal enum UsageSource
{
    /// <summary>A gateway.</summary>
    Router = 1,

    /// <summary>A node of inference.</summary>
    Node = 2,

    /// <summary>Storage, by the hour.</summary>
    Storage = 3,
}

/// <summary>What became of an attempt.</summary>
internal enum AttemptOutcome
{
    /// <summary>The source does not know: a node.</summary>
    Unknown,

    /// <summary>Its answer went to the caller.</summary>
    Answered,

    /// <summary>Another was faster.</summary>
    Superseded,

    /// <summary>It failed.</summary>
    Failed,
}

/// <summary>Which usage: request and attempt, so that hedges and retries are told apart (B1).</summary>
/// <param name="Request">The request's decision id.</param>
/// <param name="Attempt">From 0.</param>
/// <param name="Source">Who measured.</param>
/// <param name="Revision">0: as first measured; a correction counts up.</param>
/// <param name="Reversal">It takes away what the event without this mark said.</param>
internal readonly record struct UsageId(
    string Request, int Attempt, UsageSource Source, int Revision = 0, bool Reversal = false)
{
    public override string ToString() =>
        $"{Request}/{Attempt}/{Source}/{Revision}{(Reversal ? "/reversal" : "")}".ToLowerInvariant();
}

/// <summary>A quantity of something that has a price.</summary>
/// <param name="Key">What.</param>
/// <param name="Units">Of the meter's smallest unit; negative in reversals.</param>
internal readonly record struct Quantity(PriceKey Key, long Units);

/// <summary>What usage is charged by and asked for: each fixed, beside the user's own.</summary>
/// <param name="Region">Where the work was done.</param>
/// <param name="Zone">Its zone.</param>
/// <param name="Tenant">From the token.</param>
/// <param name="Model">Empty: none.</param>
/// <param name="Task">E.g. <c>realtime</c>, <c>batch</c>.</param>
/// <param name="Environment">E.g. <c>production</c>.</param>
/// <param name="User">The user's own.</param>
internal sealed record UsageTags(
    string Region, string Zone, string Tenant, string Model, string Task, string Environment,
    IReadOnlyDictionary<string, string> User)
{
    /// <summary>User's tags of one event.</summary>
    public const int UserMax = 16;

    /// <summary>Characters of a key and of a value.</summary>
    public const int KeyMax = 64, ValueMax = 128;

    /// <summary>A tag by its name, fixed or the user's; null: none of this name.</summary>
    public string? this[string name] => name switch
    {
        "region" => Region,
        "zone" => Zone,
        "tenant" => Tenant,
        "model" => Model,
        "task" => Task,
        "environment" => Environment,
        _ => User.GetValueOrDefault(name),
    };

    public bool Equals(UsageTags? other) => other is not null
        && (Region, Zone, Tenant, Model, Task, Environment)
            == (other.Region, other.Zone, other.Tenant, other.Model, other.Task, other.Environment)
        && User.Count == other.User.Count && User.All(t => other.User.GetValueOrDefault(t.Key) == t.Value);

    public override int GetHashCode() => HashCode.Combine(Region, Zone, Tenant, Model, Task, Environment, User.Count);
}

/// <summary>One measurement.</summary>
internal sealed record UsageEvent
{
    /// <summary>Which.</summary>
    public required UsageId Id { get; init; }

    /// <summary>When the work ended: prices of this time apply.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What became of the attempt.</summary>
    public AttemptOutcome Outcome { get; init; }

    /// <summary>By which bargain the node is paid.</summary>
    public PricingModel Model { get; init; }

    /// <summary>The node; empty: none.</summary>
    public string Node { get; init; } = "";

    /// <summary>By what it is charged.</summary>
    public required UsageTags Tags { get; init; }

    /// <summary>What was used.</summary>
    public required IReadOnlyList<Quantity> Quantities { get; init; }

    /// <summary>Of a correction: why.</summary>
    public string Reason { get; init; } = "";

    /// <summary>What takes this event away, exactly: the same at the same time, negated.</summary>
    public UsageEvent Reverse(string reason) => Id.Reversal
        ? throw new InvalidOperationException($"{Id} is a reversal; what it took away comes back by a revision.")
        : this with
        {
            Id = Id with { Reversal = true },
            Quantities = [.. Quantities.Select(q => q with { Units = checked(-q.Units) })],
            Reason = reason,
        };

    /// <summary>What takes its place, once it is reversed.</summary>
    public UsageEvent Revise(IReadOnlyList<Quantity> quantities, string reason) => this with
    {
        Id = Id with { Revision = Id.Revision + 1, Reversal = false },
        Quantities = quantities,
        Reason = reason,
    };

    /// <summary>Is it the same in every part?</summary>
    public bool IsSame(UsageEvent other) =>
        (Id, Time, Outcome, Model, Node, Reason) == (other.Id, other.Time, other.Outcome, other.Model, other.Node,
            other.Reason)
        && Tags.Equals(other.Tags) && Quantities.SequenceEqual(other.Quantities);
}
