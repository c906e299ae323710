using System.Reflection;
using Aspire.Hosting.Dashboard;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.AspireHosting.Tests;

/// <summary>One application with real processes and the real dashboard, shared by the tests of this collection; each
/// changes only resources of its own.</summary>
public sealed class RunningApplication : IAsyncLifetime, IDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(150);

    private readonly string folder = Directory.CreateTempSubdirectory("aspire-test-").FullName;
    private DistributedApplication? application;

    public DistributedApplication Application
        => application ?? throw new InvalidOperationException("The application did not start.");

    public HttpClient Http { get; } = new();

    public string GateFile => Path.Combine(folder, "gate");

    internal DashboardSettings Dashboard
        => DashboardSettings.From(Application.Services.GetRequiredService<IConfiguration>());

    public async Task InitializeAsync()
    {
        if (new DcpFactAttribute().Skip is not null)
            return;
        IDistributedApplicationBuilder builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
        {
            Args = ["--Parameters:pass-word=secret"],
            AssemblyName = Assembly.GetExecutingAssembly().GetName().Name,
            AllowUnsecuredTransport = true,
        });
        AddServers(builder);
        AddDependents(builder);
        application = builder.Build();
        using var limit = new CancellationTokenSource(Limit);
        await application.StartAsync(limit.Token);
    }

    public async Task DisposeAsync()
    {
        if (application is not null)
        {
            using var limit = new CancellationTokenSource(Limit);
            await application.StopAsync(limit.Token);
            await application.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    public void Dispose() => Http.Dispose();

    /// <summary>The endpoint's address, when its resource is healthy.</summary>
    public async Task<string> AddressAsync(string resource, CancellationToken cancellationToken)
    {
        await Application.ResourceNotifications.WaitForResourceHealthyAsync(resource, cancellationToken);
        var found = (IResourceWithEndpoints)Find(resource);
        return await found.GetEndpoint("http").GetValueAsync(cancellationToken) ?? "";
    }

    public async Task<string> GetAsync(string resource, string path, CancellationToken cancellationToken)
        => await Http.GetStringAsync(
            new Uri(await AddressAsync(resource, cancellationToken) + path), cancellationToken);

    public IResource Find(string name)
        => Application.Services.GetRequiredService<DistributedApplicationModel>().Resources.Single(r => r.Name == name);

    public string InstanceOf(string resource) => ResourceInstances.Of(Find(resource))[0];

    private static void AddServers(IDistributedApplicationBuilder builder)
    {
        IResourceBuilder<ProjectResource> server = builder.AddProject<Projects.Lepton_AspireHosting_Probe>("server")
            .WithHttpEndpoint()
            .WithReplicas(2)
            .WithHttpHealthCheck("/health");
        IResourceBuilder<ParameterResource> password = builder.AddParameter("pass-word", secret: true);
        builder.AddProject<Projects.Lepton_AspireHosting_Probe>("client")
            .WithHttpEndpoint(isProxied: false)
            .WithReference(server)
            .WithEnvironment("LITERAL", "as is")
            .WithEnvironment("EXPRESSION", $"<{server.GetEndpoint("http").Property(EndpointProperty.Port)}|{password}>")
            .WithEnvironment("PASSWORD", password)
            .WithEnvironment(context => context.EnvironmentVariables["CALLED"] = context.Resource.Name)
            .WithArgs("--address", server.GetEndpoint("http"))
            .WithParentRelationship(server)
            .WithHttpHealthCheck("/health");
        builder.AddProject<Projects.Lepton_AspireHosting_Probe>("spare")
            .WithHttpEndpoint()
            .WithHttpHealthCheck("/health")
            .WithExplicitStart();
        builder.AddProject<Projects.Lepton_AspireHosting_Probe>("talker")
            .WithHttpEndpoint()
            .WithHttpHealthCheck("/health");
    }

    private void AddDependents(IDistributedApplicationBuilder builder)
    {
        IResourceBuilder<ProjectResource> gate = builder.AddProject<Projects.Lepton_AspireHosting_Probe>("gate")
            .WithHttpEndpoint()
            .WithEnvironment("PROBE_HEALTHY_FILE", GateFile)
            .WithHttpHealthCheck("/health");
        builder.AddExecutable("gated", "sleep", folder, "600").WaitFor(gate);
        builder.AddExecutable("started", "sleep", folder, "600").WaitForStart(gate);
        IResourceBuilder<ProjectResource> ender = builder.AddProject<Projects.Lepton_AspireHosting_Probe>("ender")
            .WithArgs("exit", "3");
        builder.AddExecutable("after-three", "sleep", folder, "600").WaitForCompletion(ender, exitCode: 3);
        builder.AddExecutable("after-zero", "sleep", folder, "600").WaitForCompletion(ender);
        builder.AddExecutable("missing", Path.Combine(folder, "no-such-program"), folder);
    }
}

[CollectionDefinition(Name)]
public sealed class RunningApplicationGroup : ICollectionFixture<RunningApplication>
{
    public const string Name = "running application";
}
