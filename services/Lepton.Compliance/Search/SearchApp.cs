using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Search.Exports;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Search;

/// <summary>Search and export of the audit log in this process; stands on the parts of the log itself.</summary>
internal static class SearchApp
{
    public static IServiceCollection AddSearch(this IServiceCollection services)
    {
        services.AddChecked<SearchOptions>(SearchOptions.Section);
        services.AddSingleton<PersonTenants>();
        services.AddSingleton<LogSearch>();
        services.AddSingleton<EntryOpener>();
        services.AddSingleton<RegionSearch>();
        services.AddSingleton<LogExport>();
        services.AddSingleton<SearchMetrics>();
        services.AddSingleton(s => new SearchAudit(s.GetService<IAuditLog>()));
        return services;
    }

    public static WebApplication MapSearch(this WebApplication app)
    {
        app.MapGrpcService<SearchEndpoint>();
        return app;
    }
}
