using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;

namespace Aspire.Hosting.Running;

/// <summary>What exactly is started for an instance of a resource.</summary>
internal static class LaunchBuilder
{
    public static Launch ForProcess(
        IResource resource, string instanceId, LaunchConfiguration configuration, Assembly? appHost)
    {
        (string command, string folder, string[] before) = resource switch
        {
            ProjectResource project => ForProject(project, appHost),
            ExecutableResource executable
                => (CommandOf(executable), executable.WorkingDirectory, Array.Empty<string>()),
            _ => throw new DistributedApplicationException(
                $"Resource '{resource.Name}' of type '{resource.GetType()}' cannot be run as a process."),
        };
        return new Launch(
            command,
            folder,
            [.. before, .. configuration.Arguments.Select(a => a.Value)],
            EnvironmentOf(resource, instanceId, configuration));
    }

    public static ContainerLaunch ForContainer(
        ContainerResource container, string instanceId, LaunchConfiguration configuration)
    {
        if (!container.TryGetContainerImageName(out string? image))
            throw new DistributedApplicationException($"Container '{container.Name}' has no image.");
        container.TryGetLastAnnotation(out DockerfileBuildAnnotation? build);
        return new ContainerLaunch(
            image,
            container.Entrypoint,
            build?.ContextPath,
            build?.DockerfilePath,
            build?.Stage,
            [.. configuration.Arguments.Select(a => a.Value)],
            EnvironmentOf(container, instanceId, configuration),
            [.. container.Annotations.OfType<EndpointAnnotation>().Select(e => new PublishedPort(
                e.TargetPort ?? e.Port ?? throw new DistributedApplicationException(
                    $"Endpoint '{e.Name}' of container '{container.Name}' must specify a target port."),
                e.AllocatedEndpoint?.Port))],
            [.. container.Annotations.OfType<ContainerMountAnnotation>().Select(m => new ContainerMount(
                m.Source, m.Target, m.Type == ContainerMountType.Volume, m.IsReadOnly))]);
    }

    private static Dictionary<string, string> EnvironmentOf(
        IResource resource, string instanceId, LaunchConfiguration configuration)
    {
        string suffix = ResourceInstances.SuffixOf(resource, instanceId);
        return configuration.Environment.ToDictionary(
            v => v.Key,
            v => v.Value.Value.Replace(InstanceId.Placeholder, suffix, StringComparison.Ordinal));
    }

    /// <summary>A command with a folder in it is relative to the working directory; any other is searched.</summary>
    private static string CommandOf(ExecutableResource executable)
        => executable.Command.Contains(Path.DirectorySeparatorChar)
            ? Path.GetFullPath(executable.Command, executable.WorkingDirectory)
            : executable.Command;

    /// <summary>The assembly that the app host's build knows, started directly; for a project it does not know,
    /// `dotnet run` without a build. Either way in the project's folder, as `dotnet run` would.</summary>
    private static (string Command, string Folder, string[] Arguments) ForProject(
        ProjectResource project, Assembly? appHost)
    {
        string path = project.GetProjectMetadata().ProjectPath;
        string folder = Path.GetDirectoryName(path) ?? throw new DistributedApplicationException(
            $"Project '{path}' of resource '{project.Name}' has no folder.");
        string? target = AppHostMetadata.Read(appHost, AppHostMetadata.TargetPathPrefix + path);
        if (target is null)
        {
            string built = appHost?.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";
            return ("dotnet", folder,
                ["run", "--project", path, "--no-build", "--configuration", built, "--no-launch-profile", "--"]);
        }

        if (!File.Exists(target))
            throw new DistributedApplicationException(
                $"Project '{project.Name}' has not been built: {target} is missing.");
        string native = Path.ChangeExtension(target, OperatingSystem.IsWindows() ? ".exe" : null);
        return File.Exists(native) ? (native, folder, []) : ("dotnet", folder, [target]);
    }
}
