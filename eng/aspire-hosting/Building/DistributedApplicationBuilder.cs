using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dashboard;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Publishing;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private static readonly Dictionary<string, string> Switches = new()
    {
        ["--operation"] = "AppHost:Operation",
        ["--publisher"] = "Publishing:Publisher",
        ["--output-path"] = "Publishing:OutputPath",
        ["--dcp-cli-path"] = "DcpPublisher:CliPath",
    };

    private readonly HostApplicationBuilder inner;
    private readonly DistributedApplicationOptions options;

    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        this.options = options;
        var configuration = new ConfigurationManager();
        configuration.AddEnvironmentVariables("ASPIRE_");
        inner = new HostApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = options.Args,
            Configuration = configuration,
        });
        // The arguments once more, for the switches; last, so that they win.
        inner.Configuration.AddCommandLine(options.Args ?? [], Switches);
        AppHostAssembly = options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly();
        AppHostDirectory = options.ProjectDirectory
            ?? AppHostMetadata.Read(AppHostAssembly, AppHostMetadata.ProjectDirectory)
            ?? inner.Environment.ContentRootPath;
        ExecutionContext = new DistributedApplicationExecutionContext(OperationOf(inner.Configuration));
        AddServices();
    }

    public ConfigurationManager Configuration => inner.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => inner.Environment;

    public IServiceCollection Services => inner.Services;

    public IDistributedApplicationEventing Eventing { get; } = new DistributedApplicationEventing();

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource
        => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        var application = new DistributedApplication(inner.Build());
        ExecutionContext.ServiceProvider = application.Services;
        return application;
    }

    private static DistributedApplicationOperation OperationOf(ConfigurationManager configuration)
    {
        string? operation = configuration["AppHost:Operation"];
        bool publish = operation is null
            ? !string.IsNullOrEmpty(configuration["Publishing:Publisher"])
            : operation.Equals("publish", StringComparison.OrdinalIgnoreCase);
        return publish ? DistributedApplicationOperation.Publish : DistributedApplicationOperation.Run;
    }

    private void AddServices()
    {
        ILoggingBuilder logging = inner.Logging;
        logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        logging.AddFilter("Grpc", LogLevel.Error);
        // A failed check is in the resource's health report; a log line every second says nothing more.
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        logging.AddConfiguration(Configuration.GetSection("Logging"));
        Services.AddSingleton(options);
        Services.AddSingleton(new AppHost(AppHostAssembly));
        Services.AddSingleton(TimeProvider.System);
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(Eventing);
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton<ResourceNotificationService>();
        Services.AddSingleton<ResourceLoggerService>();
        Services.AddSingleton(s => new ResourceCommandService(s));
        Services.AddHealthChecks();
        Services.AddHttpClient();
        if (ExecutionContext.IsPublishMode)
        {
            Services.AddHostedService<ManifestPublisher>();
            return;
        }

        DashboardSettings.FillIn(Configuration, options, Environment);
        Services.AddSingleton(new Lazy<ToolPaths>(() => ToolPaths.Find(Configuration, AppHostAssembly)));
        Services.AddSingleton<DcpSession>();
        Services.AddSingleton<ProcessRunner>();
        Services.AddSingleton<ResourceHealth>();
        Services.AddSingleton<Orchestrator>();
        Services.AddSingleton<ResourceServiceHost>();
        Services.AddHostedService(s => s.GetRequiredService<Orchestrator>());
    }
}
