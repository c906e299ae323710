using Lepton.Cost.Money;

namespace Lepton.Cost.Allocation;

/// <summary>What kind of cost a share is.</summary>
internal enum ShareKind
{
    /// <summary>For what the consumer used.</summary>
    Direct,

    /// <summary>For capacity that was paid and used by nobody.</summary>
    Idle,

    /// <summary>For what serves all: routers, storage of the platform, overhead of hedges and retries.</summary>
    Shared,
}

/// <summary>How what is nobody's is divided among consumers.</summary>
internal abstract record SharingRule
{
    private SharingRule()
    {
    }

    /// <summary>Not divided: it stays a line of its own.</summary>
    internal sealed record Kept : SharingRule;

    /// <summary>To each the same.</summary>
    internal sealed record Even : SharingRule;

    /// <summary>In proportion to each one's direct cost.</summary>
    internal sealed record Proportional : SharingRule;

    /// <summary>By shares that somebody agreed on; consumers without one get nothing.</summary>
    /// <param name="Shares">By consumer; 0 or more; they need not add up to anything.</param>
    internal sealed record Fixed(IReadOnlyDictionary<string, long> Shares) : SharingRule;

    /// <summary>In proportion to a measure, e.g. requests.</summary>
    /// <param name="Units">By consumer; 0 or more.</param>
    internal sealed record ByUsage(IReadOnlyDictionary<string, long> Units) : SharingRule;
}

/// <summary>A line of the bill with those who used it.</summary>
/// <param name="Name">E.g. a node.</param>
/// <param name="Cost">What the bill says; a credit is negative.</param>
/// <param name="Capacity">What was paid for, in any unit; 0: nothing that can be used, all of it is shared.</param>
/// <param name="Uses">By consumer, in the same unit. More than the capacity: then that is what is divided.</param>
/// <param name="Rest">How what nobody used is divided.</param>
internal sealed record CostPool(
    string Name, Amount Cost, long Capacity, IReadOnlyDictionary<string, long> Uses, SharingRule Rest);

/// <summary>A part of a line of the bill.</summary>
/// <param name="Pool">The line.</param>
/// <param name="Consumer">Whose; empty: nobody's, it was kept or could not be divided.</param>
/// <param name="Kind">For what.</param>
/// <param name="Cost">How much.</param>
internal sealed record CostShare(string Pool, string Consumer, ShareKind Kind, Amount Cost);
