using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class ExecutableResourceBuilderExtensions
{
    /// <param name="workingDirectory">Full, or relative to the app host's folder.</param>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory,
        params string[]? args)
        => builder.AddExecutable(name, command, workingDirectory, (object[]?)args);

    /// <inheritdoc cref="AddExecutable(IDistributedApplicationBuilder, string, string, string, string[])"/>
    public static IResourceBuilder<ExecutableResource> AddExecutable(
        this IDistributedApplicationBuilder builder, string name, string command, string workingDirectory,
        params object[]? args)
    {
        string folder = Path.GetFullPath(workingDirectory, builder.AppHostDirectory);
        return builder.AddResource(new ExecutableResource(name, command, folder)).WithArgs(args ?? []);
    }

    public static IResourceBuilder<T> PublishAsDockerFile<T>(this IResourceBuilder<T> builder)
        where T : ExecutableResource
        => builder.PublishAsDockerFile(configure: null);

    /// <summary>In publish mode: a container built by the Dockerfile in the working directory, in its place.</summary>
    public static IResourceBuilder<T> PublishAsDockerFile<T>(
        this IResourceBuilder<T> builder, Action<IResourceBuilder<ContainerResource>>? configure)
        where T : ExecutableResource
    {
        IDistributedApplicationBuilder application = builder.ApplicationBuilder;
        if (!application.ExecutionContext.IsPublishMode)
            return builder;
        application.Resources.Remove(builder.Resource);
        ContainerResource container = new ExecutableContainerResource(builder.Resource);
        IResourceBuilder<ContainerResource> published = application.AddResource(container)
            .WithImage(builder.Resource.Name)
            .WithDockerfile(builder.Resource.WorkingDirectory)
            .WithArgs(context => context.Args.Clear());
        configure?.Invoke(published);
        return builder.WithManifestPublishingCallback(context => context.WriteContainerAsync(container));
    }
}
