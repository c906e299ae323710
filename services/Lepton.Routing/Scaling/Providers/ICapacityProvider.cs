using Lepton.Routing.V1;

namespace Lepton.Routing.Scaling.Providers;

/// <summary>
/// Starts and stops the nodes of pools. Both calls say what shall be, not what shall change, so that two routers of a
/// region which say the same do it once.
/// </summary>
internal interface ICapacityProvider
{
    /// <summary>As in <c>Routing:Scaling:Pools:N:Provider</c>.</summary>
    string Name { get; }

    /// <summary>Has the pool grow to so many nodes, those that run already among them.</summary>
    /// <param name="running">Nodes that serve or start and say so.</param>
    /// <param name="leaving">Nodes that are there and take no work; not counted among those that shall be.</param>
    /// <returns>Nodes on their way, started now or before; fewer than asked when there is no more.</returns>
    /// <exception cref="CapacityException">The provider could not be asked, or refused.</exception>
    Task<int> GrowAsync(Tier tier, int nodes, IReadOnlyCollection<string> running, IReadOnlyCollection<string> leaving,
        CancellationToken cancellation);

    /// <summary>Stops a node that has been drained, which leaves the pool with so many.</summary>
    /// <returns>False: it may not stop this one, which then serves again.</returns>
    /// <exception cref="CapacityException">The provider could not be asked, or refused.</exception>
    Task<bool> StopAsync(Tier tier, string node, int nodesLeft, CancellationToken cancellation);

    /// <summary>It could stop this node: those in service from the start, for instance, it may not.</summary>
    bool MayStop(Tier tier, string node);
}

/// <summary>The provider did not do it; the text says why and is fit for operators.</summary>
internal sealed class CapacityException(string message, Exception? inner = null) : IOException(message, inner);
