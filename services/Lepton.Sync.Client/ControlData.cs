using System.Security.Cryptography;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Client;

/// <summary>
/// Control data from Sync: records under <c>control/</c>, signed by who wrote them. Where <c>SyncClient:Nodes</c> names
/// no node, everything goes by its file as before.
/// </summary>
public static class ControlData
{
    /// <summary>The residency policy's record.</summary>
    public const string PolicyKey = ControlState.Prefix + "residency";

    /// <summary>The roles' and tenants' record.</summary>
    public const string AccessKey = ControlState.Prefix + "access";

    /// <summary>The record of roles granted by call.</summary>
    public const string RolesKey = ControlState.Prefix + "roles";

    /// <summary>Adds the client, and roles and tenants as every service has them.</summary>
    public static WebApplicationBuilder AddControlData(this WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddChecked<SyncClientOptions>(SyncClientOptions.Section, SyncClientOptions.Faults);
        services.AddSingleton<ControlMetrics>();
        services.AddSingleton<INodes, GrpcNodes>();
        services.AddSingleton(s => new NodeCalls(
            s.GetRequiredService<INodes>(), s.GetRequiredService<IOptions<SyncClientOptions>>(),
            s.GetRequiredService<ControlMetrics>(), s.GetRequiredService<TimeProvider>(),
            new Random(RandomNumberGenerator.GetInt32(int.MaxValue))));
        services.AddSingleton<Func<string, RecordFeed>>(s => prefix => new RecordFeed(
            prefix, s.GetRequiredService<INodes>(), s.GetRequiredService<NodeCalls>(),
            s.GetRequiredService<IOptions<SyncClientOptions>>(), s.GetRequiredService<ControlMetrics>(),
            s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => new GlobalRecords(
            s.GetRequiredService<INodes>(), s.GetRequiredService<NodeCalls>(),
            s.GetRequiredService<Func<string, RecordFeed>>()));
        services.AddSingleton<ControlState>();
        services.AddSingleton<ControlAge>();
        services.AddSingleton<ControlFollower>();
        services.AddHostedService(Begin);
        services.AddHealthChecks().AddCheck<ControlFollower>("control-data");
        services.AddSingleton<ControlTarget, AccessTarget>();
        services.AddSingleton<ControlTarget, RolesTarget>();
        return builder;
    }

    private static ControlFollower Begin(IServiceProvider services)
    {
        var age = services.GetRequiredService<ControlAge>();
        var state = services.GetRequiredService<ControlState>();
        age.Follow(() => state.Age, () => state.IsTooOld);
        services.GetRequiredService<AccessFile>().IsTooOld = () => age.IsTooOld;
        return services.GetRequiredService<ControlFollower>();
    }
}
