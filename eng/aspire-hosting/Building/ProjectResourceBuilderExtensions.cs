using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    /// <summary>The port on which ASP.NET Core's base images listen.</summary>
    private const int ContainerPort = 8080;

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new()
        => Add(builder, name, new TProject());

    /// <param name="launchProfileName">Null: no launch profile. This stand-in reads no launchSettings.json.</param>
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(
        this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new()
        => launchProfileName is null
            ? Add(builder, name, new TProject())
            : throw new DistributedApplicationException($"Launch profile '{launchProfileName}' is not supported here.");

    public static IResourceBuilder<ProjectResource> AddProject(
        this IDistributedApplicationBuilder builder, string name, string projectPath)
        => Add(builder, name, new ProjectMetadata(Path.GetFullPath(projectPath, builder.AppHostDirectory)));

    /// <summary>Starts the project as that many processes; their proxied endpoints are shared.</summary>
    public static IResourceBuilder<ProjectResource> WithReplicas(
        this IResourceBuilder<ProjectResource> builder, int replicas)
        => builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<ProjectResource> DisableForwardedHeaders(
        this IResourceBuilder<ProjectResource> builder)
        => builder.WithAnnotation<DisableForwardedHeadersAnnotation>(ResourceAnnotationMutationBehavior.Replace);

    /// <summary>In publish mode: a container built by the Dockerfile in the project's folder, in the project's place.
    /// Its arguments are dropped, since they may hold paths of this machine.</summary>
    public static IResourceBuilder<T> PublishAsDockerFile<T>(
        this IResourceBuilder<T> builder, Action<IResourceBuilder<ContainerResource>>? configure = null)
        where T : ProjectResource
    {
        IDistributedApplicationBuilder application = builder.ApplicationBuilder;
        if (!application.ExecutionContext.IsPublishMode)
            return builder;
        if (application.Resources.TryGetByName(builder.Resource.Name, out IResource? known)
            && known is ProjectContainerResource already)
        {
            configure?.Invoke(application.CreateResourceBuilder<ContainerResource>(already));
            return builder;
        }

        application.Resources.Remove(builder.Resource);
        ContainerResource container = new ProjectContainerResource(builder.Resource);
        IResourceBuilder<ContainerResource> published = application.AddResource(container);
        string projectPath = builder.Resource.GetProjectMetadata().ProjectPath;
        published.WithImage(builder.Resource.Name)
            .WithDockerfile(Path.GetDirectoryName(projectPath) ?? application.AppHostDirectory)
            .WithArgs(context => context.Args.Clear());
        foreach (EndpointAnnotation endpoint in container.Annotations.OfType<EndpointAnnotation>())
        {
            if (endpoint.Name is "http" or "https")
                endpoint.TargetPort ??= ContainerPort;
        }

        configure?.Invoke(published);
        return builder.WithManifestPublishingCallback(context => context.WriteContainerAsync(container));
    }

    private static IResourceBuilder<ProjectResource> Add(
        IDistributedApplicationBuilder builder, string name, IProjectMetadata metadata)
    {
        IResourceBuilder<ProjectResource> project = builder.AddResource(new ProjectResource(name))
            .WithAnnotation(metadata)
            .WithEnvironment("OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY", "in_memory")
            .WithOtlpExporter();
        project.WithEnvironment(context => SetEndpointEnvironment(project.Resource, context));
        return project;
    }

    private static void SetEndpointEnvironment(ProjectResource project, EnvironmentCallbackContext context)
    {
        EndpointReference[] endpoints = [.. project.GetEndpoints().Where(e => e.Scheme is "http" or "https")];
        if (context.ExecutionContext.IsPublishMode)
        {
            if (project.HasAnnotationOfType<EndpointAnnotation>()
                && !project.HasAnnotationOfType<DisableForwardedHeadersAnnotation>())
                context.EnvironmentVariables["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
            SetPorts(context, "HTTP_PORTS", endpoints.Where(e => e.IsHttp));
            SetPorts(context, "HTTPS_PORTS", endpoints.Where(e => e.IsHttps));
            return;
        }

        var urls = new ReferenceExpressionBuilder();
        foreach (EndpointReference endpoint in endpoints)
        {
            if (!urls.IsEmpty)
                urls.AppendLiteral(";");
            urls.AppendLiteral($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:");
            urls.AppendFormatted(endpoint.Property(EndpointProperty.TargetPort));
        }

        if (!urls.IsEmpty)
            context.EnvironmentVariables["ASPNETCORE_URLS"] = urls.Build();
    }

    private static void SetPorts(
        EnvironmentCallbackContext context, string variable, IEnumerable<EndpointReference> endpoints)
    {
        var ports = new ReferenceExpressionBuilder();
        foreach (EndpointReference endpoint in endpoints.Where(e => e.EndpointAnnotation.Protocol == ProtocolType.Tcp))
        {
            if (!ports.IsEmpty)
                ports.AppendLiteral(";");
            ports.AppendFormatted(endpoint.Property(EndpointProperty.TargetPort));
        }

        if (!ports.IsEmpty)
            context.EnvironmentVariables[variable] = ports.Build();
    }
}
