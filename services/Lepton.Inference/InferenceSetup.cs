using Grpc.AspNetCore.Server;
using Lepton.Compliance.Client;
using Lepton.Inference.Agent;
using Lepton.Inference.Agent.Spot;
using Lepton.Inference.Execution;
using Lepton.Inference.Pipelines;
using Lepton.Inference.Repository;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Options;

namespace Lepton.Inference;

/// <summary>Puts the service together.</summary>
internal static class InferenceSetup
{
    public static WebApplicationBuilder AddInference(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddChecked<InferenceOptions>(InferenceOptions.Section, InferenceRules.FaultsOf);
        services.AddOptions<GrpcServiceOptions<InferenceService>>().Configure<IOptions<InferenceOptions>>(Bound);
        services.AddExecution();
        services.AddSingleton<Draining>();
        services.AddSingleton<NodeResidency>();
        services.AddSingleton<HopGuard>();
        services.AddSingleton(provider => Policy(builder.Configuration["Lepton:PolicyFile"] ?? "",
            provider.GetRequiredService<IOptions<ServiceOptions>>().Value.Region));
        services.AddSingleton<ControlTarget>(s => s.GetRequiredService<ControlRecord<ResidencyPolicy>>());
        services.AddSingleton<IHostedService>(s => ControlDay.Of(
            s.GetRequiredService<ControlRecord<ResidencyPolicy>>(), p => p.Today(), s));
        services.AddSingleton<InferenceService>();
        services.AddSingleton(provider => new LinuxMachine(provider.GetRequiredService<TimeProvider>()));
        // A reader of its own: loads are differences since that reader's last look.
        services.AddSingleton(provider => new LoadTrailer(provider.GetRequiredService<ModelRepository>(),
            new LinuxMachine(provider.GetRequiredService<TimeProvider>()),
                provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<LoadStreams>();
        services.AddSingleton<Nvml>();
        services.AddSingleton<ReportBuilder>();
        services.AddSingleton<NodeAgent>().AddHostedService(s => s.GetRequiredService<NodeAgent>());
        services.AddSpot();
        services.AddHealthChecks().AddCheck<ReadyCheck>("models");
        // The agent drains within its own limit; the host must not cut it short.
        services.AddOptions<HostOptions>().Configure<IOptions<InferenceOptions>>((host, inference) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(inference.Value.DrainSeconds + 10));
        return builder;
    }

    /// <summary>Models and their execution, without anything of the network.</summary>
    public static IServiceCollection AddExecution(this IServiceCollection services) => services
        .AddSingleton<InferenceMetrics>()
        .AddSingleton<ExecutionServices>()
        .AddSingleton<SessionFactory>()
        .AddSingleton<PipelineFactory>()
        .AddSingleton<ModelLoader>()
        .AddSingleton<ModelRepository>();

    // The file's, until a record of a greater version comes.
    private static ControlRecord<ResidencyPolicy> Policy(string file, string region) => new(
        ControlData.PolicyKey, ResidencyPolicy.Load(file, [region]), p => p.Order,
        (now, json) => now.Next(json, [region], region));

    private static void Bound(GrpcServiceOptions<InferenceService> grpc, IOptions<InferenceOptions> inference)
    {
        grpc.MaxReceiveMessageSize = inference.Value.RequestBytesMax;
        grpc.MaxSendMessageSize = null; // OutputBytesMax bounds answers before they are made
    }

    public static WebApplication MapInference(this WebApplication app)
    {
        // The policy is read now: a node without one must not start.
        app.Services.GetRequiredService<ControlRecord<ResidencyPolicy>>();
        app.UseMiddleware<HopGuard>();
        app.MapGrpcService<InferenceService>();
        app.MapGrpcService<LoadStreams>();
        return app;
    }
}
