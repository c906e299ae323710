namespace Lepton.Sync.Stranded;

/// <summary>The parts and how they are put together.</summary>
internal static class StrandedParts
{
    public static IServiceCollection AddSyncStranded(this IServiceCollection services) => services
        .AddSingleton<StrandedRows>()
        .AddSingleton<StrandedWrites>()
        .AddSingleton<StrandedEndpoint>();
}
