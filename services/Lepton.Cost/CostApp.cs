using Lepton.Cost.Prices;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Lepton.Cost;

/// <summary>The parts of the service and how they are put together: one line a part.</summary>
internal static class CostApp
{
    /// <summary>It offers no gRPC contract of others'.</summary>
    public static readonly IReadOnlyDictionary<string, AccessRule> NoOthers = new Dictionary<string, AccessRule>();

    /// <summary>Its own contracts.</summary>
    public static readonly ServiceDescriptor[] Offered = [];

    public static IServiceCollection AddCost(this IServiceCollection services) => services
        .AddPrices();

    public static WebApplication MapCost(this WebApplication app)
    {
        // Read now: without a usable price book the service must not start.
        app.Services.GetRequiredService<ControlRecord<PriceBook>>();
        return app;
    }
}
