using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The instances of a resource: `name-abcdefgh` for each replica, or the plain name for what is no process.
/// The suffix is part of what telemetry is joined by, so it is chosen once and survives restarts.</summary>
internal sealed class ResourceInstances(string[] ids) : IResourceAnnotation
{
    private const string SuffixLetters = "abcdefghjkmnpqrstuvwxyz";
    private const int SuffixLength = 8;

    public string[] Ids { get; } = ids;

    public static string[] Of(IResource resource)
    {
        lock (resource.Annotations)
        {
            if (resource.TryGetLastAnnotation(out ResourceInstances? known))
                return known.Ids;
            bool isProcess = resource is ProjectResource or ExecutableResource or ContainerResource;
            string[] ids = isProcess
                ? [.. Enumerable.Range(0, resource.GetReplicaCount()).Select(_ => $"{resource.Name}-{Suffix()}")]
                : [resource.Name];
            resource.Annotations.Add(new ResourceInstances(ids));
            return ids;
        }
    }

    public static string SuffixOf(IResource resource, string id) => id[(resource.Name.Length + 1)..];

    /// <summary>What is said of an instance first. The dashboard gives up on all resources when one of them, even a
    /// hidden one, has no time of creation.</summary>
    public static CustomResourceSnapshot InitialSnapshot(IResource resource)
    {
        CustomResourceSnapshot first = resource.TryGetLastAnnotation(out ResourceSnapshotAnnotation? initial)
            ? initial.InitialSnapshot
            : new CustomResourceSnapshot { ResourceType = TypeOf(resource), Properties = [] };
        return first with { CreationTimeStamp = first.CreationTimeStamp ?? DateTime.UtcNow };
    }

    public static string TypeOf(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        ExecutableResource => "Executable",
        ContainerResource => "Container",
        ParameterResource => "Parameter",
        _ => resource.GetType().Name.Replace("Resource", "", StringComparison.Ordinal),
    };

    private static string Suffix() => RandomNumberGenerator.GetString(SuffixLetters, SuffixLength);
}
