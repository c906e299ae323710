using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Retention;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.Audit.Witnesses;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit;

/// <summary>The audit log's parts and how they are put together.</summary>
internal static class AuditApp
{
    public static IServiceCollection AddAudit(this IServiceCollection services)
    {
        services.AddChecked<AuditOptions>(AuditOptions.Section, AuditOptions.Faults);
        services.AddChecked<PeerOptions>(PeerOptions.Section, PeerOptions.Faults);
        services.Configure<LoggerFilterOptions>(filter =>
            filter.Rules.Insert(0, new LoggerFilterRule(null, "Npgsql", LogLevel.Error, null)));
        services.AddHealthChecks().AddCheck<LogHost>("audit-log").AddCheck<CopyGate>("audit-copy")
            .AddCheck<Alarms>("audit-alarms");
        return services.AddStorage().AddLog().AddPeers()
            .AddSingleton<AuditMetrics>()
            .AddSingleton<Holds>()
            .AddHosted<Maintenance>()
            .AddSingleton<AuditLog>()
            .AddSingleton<AppendEndpoint>()
            .AddSingleton<AuditEndpoint>()
            .AddSingleton<PeerEndpoint>()
            .AddHostedService<AuditGauges>();
    }

    public static WebApplication MapAudit(this WebApplication app)
    {
        app.MapGrpcService<AuditEndpoint>();
        app.MapGrpcService<PeerEndpoint>();
        return app;
    }

    private static IServiceCollection AddStorage(this IServiceCollection services) => services
        .AddSingleton<LogName>()
        .AddSingleton<AuditDatabase>()
        .AddSingleton<TileStore>()
        .AddSingleton<HeadStore>()
        .AddSingleton<EntryReads>()
        .AddSingleton<PersonKeys>();

    private static IServiceCollection AddLog(this IServiceCollection services) => services
        .AddSingleton<EventPreparer>()
        .AddSingleton<LogWriter>()
        .AddSingleton<Sequencer>()
        .AddSingleton<HeadSigner>()
        .AddSingleton<HeadKeeper>()
        .AddSingleton<LastHead>()
        .AddSingleton<Alarms>()
        .AddSingleton<LogCheck>()
        .AddSingleton<LogRestore>()
        .AddHosted<LogHost>()
        .AddHosted<CheckWorker>();

    private static IServiceCollection AddPeers(this IServiceCollection services) => services
        .AddSingleton<InstallationAuthority>()
        .AddSingleton<PeerTable>()
        .AddSingleton<RecentEntries>()
        .AddSingleton<CopyGate>()
        .AddSingleton<CopyKeeper>()
        .AddSingleton<WitnessedHeads>()
        .AddHosted<LogCopier>()
        .AddHosted<WitnessWorker>()
        .AddHosted<SubjectEraser>();

    private static IServiceCollection AddHosted<T>(this IServiceCollection services) where T : class, IHostedService =>
        services.AddSingleton<T>().AddHostedService(s => s.GetRequiredService<T>());
}

/// <summary>What nobody asks for but the metrics; and alarms become events of the log like any other.</summary>
internal sealed class AuditGauges(
    AuditMetrics metrics, LogWriter writer, Sequencer sequencer, CopyGate gate, Alarms alarms, PersonKeys keys,
    SubjectEraser eraser, IServiceProvider services) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        alarms.Raised += alarm => services.GetService<IAuditLog>()?.Report(new AuditEvent
        {
            Category = AuditCategory.Audit, Action = "audit.alarm", Outcome = AuditOutcome.Failed, Reason = alarm.Kind,
            Message = alarm.Detail[..Math.Min(alarm.Detail.Length, 900)],
            Resource = "logs/" + alarm.Log,
        });
        metrics.Watch(() => writer.Peaks.Size, () => sequencer.WaitingCount, () => gate.IsDegraded ? 1 : 0,
            () => alarms.All.Count, () => keys.Count, () => eraser.OpenCount);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
