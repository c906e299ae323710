using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static class ContainerResourceBuilderExtensions
{
    /// <param name="image">A name with an optional registry, tag and digest: `registry/name:tag`.</param>
    public static IResourceBuilder<ContainerResource> AddContainer(
        this IDistributedApplicationBuilder builder, string name, string image)
        => builder.AddResource(new ContainerResource(name)).WithImage(image);

    public static IResourceBuilder<ContainerResource> AddContainer(
        this IDistributedApplicationBuilder builder, string name, string image, string tag)
        => builder.AddResource(new ContainerResource(name)).WithImage(image, tag);

    public static IResourceBuilder<ContainerResource> AddDockerfile(
        this IDistributedApplicationBuilder builder, string name, string contextPath, string? dockerfilePath = null,
        string? stage = null)
        => builder.AddResource(new ContainerResource(name)).WithDockerfile(contextPath, dockerfilePath, stage);

    public static IResourceBuilder<T> WithImage<T>(
        this IResourceBuilder<T> builder, string image, string? tag = null)
        where T : ContainerResource
    {
        ContainerImageAnnotation parsed = Parse(image);
        parsed.Tag = tag ?? parsed.Tag ?? (parsed.SHA256 is null ? "latest" : null);
        return builder.WithAnnotation(parsed, ResourceAnnotationMutationBehavior.Replace);
    }

    public static IResourceBuilder<T> WithEntrypoint<T>(this IResourceBuilder<T> builder, string entrypoint)
        where T : ContainerResource
    {
        builder.Resource.Entrypoint = entrypoint;
        return builder;
    }

    public static IResourceBuilder<T> WithBindMount<T>(
        this IResourceBuilder<T> builder, string source, string target, bool isReadOnly = false)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerMountAnnotation(
            Path.GetFullPath(source, builder.ApplicationBuilder.AppHostDirectory),
            target, ContainerMountType.BindMount, isReadOnly));

    public static IResourceBuilder<T> WithVolume<T>(
        this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource
        => builder.WithAnnotation(new ContainerMountAnnotation(name, target, ContainerMountType.Volume, isReadOnly));

    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string target)
        where T : ContainerResource
        => builder.WithVolume(null, target);

    /// <param name="contextPath">Full, or relative to the app host's folder.</param>
    /// <param name="dockerfilePath">Full, or relative to the context. Default: Dockerfile.</param>
    public static IResourceBuilder<T> WithDockerfile<T>(
        this IResourceBuilder<T> builder, string contextPath, string? dockerfilePath = null, string? stage = null)
        where T : ContainerResource
    {
        string context = Path.TrimEndingDirectorySeparator(
            Path.GetFullPath(contextPath, builder.ApplicationBuilder.AppHostDirectory));
        var build = new DockerfileBuildAnnotation(
            context, Path.GetFullPath(dockerfilePath ?? "Dockerfile", context), stage)
        {
            ImageName = builder.Resource.Name.ToLowerInvariant(),
            ImageTag = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context)))[..12],
        };
        return builder.WithAnnotation(build, ResourceAnnotationMutationBehavior.Replace);
    }

    public static IResourceBuilder<T> WithBuildArg<T>(this IResourceBuilder<T> builder, string name, object? value)
        where T : ContainerResource
    {
        if (!builder.Resource.TryGetLastAnnotation(out DockerfileBuildAnnotation? build))
            throw new InvalidOperationException(
                "The resource does not have a Dockerfile build annotation. Call WithDockerfile before WithBuildArg.");
        build.BuildArguments[name]
            = value is IResourceBuilder<ParameterResource> parameter ? parameter.Resource : value;
        return builder;
    }

    private static ContainerImageAnnotation Parse(string image)
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        string rest = image;
        string? sha256 = null;
        if (rest.IndexOf("@sha256:", StringComparison.Ordinal) is var at and >= 0)
            (rest, sha256) = (rest[..at], rest[(at + "@sha256:".Length)..]);
        string? tag = null;
        // A colon after the last slash starts a tag; one before it belongs to the registry's port.
        if (rest.LastIndexOf(':') is var colon and >= 0 && colon > rest.LastIndexOf('/'))
            (rest, tag) = (rest[..colon], rest[(colon + 1)..]);
        string? registry = null;
        string first = rest.Split('/')[0];
        if (rest.Contains('/') && (first.Contains('.') || first.Contains(':') || first == "localhost"))
            (registry, rest) = (first, rest[(first.Length + 1)..]);
        return new ContainerImageAnnotation { Image = rest, Registry = registry, Tag = tag, SHA256 = sha256 };
    }
}
