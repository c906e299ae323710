using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Tests.World;

/// <summary>The rules of health with a clock and a chance of the test's own.</summary>
internal static class TestHealth
{
    public static HealthMonitor Monitor(TimeProvider time, RoutingOptions? options = null, ulong seed = 1)
    {
        IOptions<RoutingOptions> wrapped = Options.Create(options ?? new RoutingOptions());
        return new HealthMonitor(wrapped, time, new ChanceSource(seed), new PauseWatch(wrapped, time));
    }
}
