using Lepton.ServiceDefaults;

namespace Lepton.Sync;

/// <summary>The parts of the service and how they are put together.</summary>
internal static class SyncApp
{
    /// <summary>It offers no gRPC contract of others'.</summary>
    public static readonly IReadOnlyDictionary<string, AccessRule> NoOthers = new Dictionary<string, AccessRule>();

    public static IServiceCollection AddSync(this IServiceCollection services) => services;

    public static WebApplication MapSync(this WebApplication app) => app;
}
