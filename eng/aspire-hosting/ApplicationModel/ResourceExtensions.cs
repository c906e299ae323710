using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

public static class ResourceExtensions
{
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation)
        where T : IResourceAnnotation
    {
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    public static bool TryGetAnnotationsOfType<T>(
        this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        T[] found = [.. resource.Annotations.OfType<T>()];
        result = found.Length == 0 ? null : found;
        return result is not null;
    }

    public static bool HasAnnotationOfType<T>(this IResource resource)
        where T : IResourceAnnotation
        => resource.Annotations.OfType<T>().Any();

    public static bool TryGetEndpoints(
        this IResource resource, [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints)
        => resource.TryGetAnnotationsOfType(out endpoints);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource)
        => resource.Annotations.OfType<EndpointAnnotation>().Select(e => new EndpointReference(resource, e));

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName)
        => new(resource, endpointName);

    public static int GetReplicaCount(this IResource resource)
        => resource.TryGetLastAnnotation(out ReplicaAnnotation? replicas) ? replicas.Replicas : 1;

    public static bool IsExcludedFromPublish(this IResource resource)
        => resource.TryGetLastAnnotation(out ManifestPublishingCallbackAnnotation? manifest)
            && manifest == ManifestPublishingCallbackAnnotation.Ignore;

    public static bool TryGetContainerImageName(
        this IResource resource, bool useBuiltImage, [NotNullWhen(true)] out string? imageName)
    {
        imageName = null;
        if (useBuiltImage && resource.TryGetLastAnnotation(out DockerfileBuildAnnotation? build)
            && !string.IsNullOrEmpty(build.ImageName))
            imageName = build.ImageName + (string.IsNullOrEmpty(build.ImageTag) ? "" : ":" + build.ImageTag);
        else if (resource.TryGetLastAnnotation(out ContainerImageAnnotation? image))
            imageName = image.FullName;
        return imageName is not null;
    }

    public static bool TryGetContainerImageName(this IResource resource, [NotNullWhen(true)] out string? imageName)
        => resource.TryGetContainerImageName(useBuiltImage: true, out imageName);
}
