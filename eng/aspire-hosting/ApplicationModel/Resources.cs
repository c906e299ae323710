namespace Aspire.Hosting.ApplicationModel;

public class ProjectResource(string name) : Resource(name), IResourceWithEnvironment, IResourceWithArgs,
    IResourceWithServiceDiscovery, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource;

public class ExecutableResource(string name, string command, string workingDirectory) : Resource(name),
    IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport,
    IResourceWithProbes, IComputeResource
{
    public string Command { get; } = command;

    public string WorkingDirectory { get; } = workingDirectory;
}

public class ContainerResource(string name, string? entrypoint = null) : Resource(name), IResourceWithEnvironment,
    IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport, IResourceWithProbes, IComputeResource
{
    public string? Entrypoint { get; set; } = entrypoint;
}

/// <summary>A project published as a container: the same annotations, another kind of resource.</summary>
internal sealed class ProjectContainerResource(ProjectResource project) : ContainerResource(project.Name),
    IResourceWithServiceDiscovery
{
    public override ResourceAnnotationCollection Annotations => project.Annotations;
}

/// <summary>An executable published as a container.</summary>
internal sealed class ExecutableContainerResource(ExecutableResource executable) : ContainerResource(executable.Name)
{
    public override ResourceAnnotationCollection Annotations => executable.Annotations;
}
