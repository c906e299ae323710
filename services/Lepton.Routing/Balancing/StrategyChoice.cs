using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Balancing;

/// <summary>Who picks: the strategy that the request asks for, else its model's, else the default.</summary>
internal sealed class StrategyChoice(IOptions<RoutingOptions> options)
{
    private readonly FrozenDictionary<string, IBalancingStrategy> _byModel = options.Value.ModelStrategies
        .ToFrozenDictionary(m => m.Model, m => StrategyCatalogue.ByName[m.Strategy], StringComparer.Ordinal);

    /// <param name="asked">What the request names; null: nothing.</param>
    /// <param name="model">The model's name.</param>
    public IBalancingStrategy For(IBalancingStrategy? asked, string model) =>
        asked ?? _byModel.GetValueOrDefault(model, StrategyCatalogue.Default);
}
