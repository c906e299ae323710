using System.Collections.Frozen;

namespace Lepton.Routing.Balancing;

/// <summary>The strategies by name. A new one is a class in this folder and a line here.</summary>
internal static class StrategyCatalogue
{
    public static IBalancingStrategy Default { get; } = new GuardedStrategy();

    public static FrozenDictionary<string, IBalancingStrategy> ByName { get; } = new IBalancingStrategy[]
    {
        Default,
        new WeightedStrategy(),
        new TimeModuloStrategy(),
        new RoundRobinStrategy(),
        new ShortestLatencyStrategy(),
        new RandomStrategy(),
        new LeastOutstandingStrategy(),
        new PowerOfTwoStrategy(),
        new PeakEwmaStrategy(),
    }.ToFrozenDictionary(s => s.Name);

    public static string Names { get; } = string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal));
}
