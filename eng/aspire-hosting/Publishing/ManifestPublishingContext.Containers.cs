using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

public sealed partial class ManifestPublishingContext
{
    public async Task WriteContainerAsync(ContainerResource container)
    {
        if (container.TryGetLastAnnotation(out DockerfileBuildAnnotation? build))
        {
            Writer.WriteString("type", "container.v1");
            WriteBuild(build);
        }
        else
        {
            Writer.WriteString("type", "container.v0");
            Writer.WriteString("image", container.TryGetContainerImageName(out string? image)
                ? image
                : throw new DistributedApplicationException(
                    $"Could not get the container image name for resource '{container.Name}'."));
        }

        if (container.Entrypoint is not null)
            Writer.WriteString("entrypoint", container.Entrypoint);
        await WriteCommandLineArgumentsAsync(container).ConfigureAwait(false);
        WriteMounts(container);
        await WriteEnvironmentVariablesAsync(container).ConfigureAwait(false);
        WriteBindings(container);
    }

    private void WriteBuild(DockerfileBuildAnnotation build)
    {
        Writer.WriteStartObject("build");
        Writer.WriteString("context", GetManifestRelativePath(build.ContextPath));
        Writer.WriteString("dockerfile", GetManifestRelativePath(build.DockerfilePath));
        if (build.Stage is not null)
            Writer.WriteString("stage", build.Stage);
        if (!build.HasEntrypoint)
            Writer.WriteBoolean("buildOnly", true);
        if (build.BuildArguments.Count > 0)
        {
            Writer.WriteStartObject("args");
            foreach ((string name, object? value) in build.BuildArguments)
            {
                Writer.WriteString(name, value switch
                {
                    IManifestExpressionProvider named => named.ValueExpression,
                    bool truth => truth ? "true" : "false",
                    _ => Convert.ToString(value, CultureInfo.InvariantCulture),
                });
                TryAddDependentResources(value);
            }

            Writer.WriteEndObject();
        }

        Writer.WriteEndObject();
    }

    private void WriteMounts(ContainerResource container)
    {
        ContainerMountAnnotation[] mounts = [.. container.Annotations.OfType<ContainerMountAnnotation>()];
        WriteMounts("bindMounts", "source", mounts.Where(m => m.Type == ContainerMountType.BindMount), bind: true);
        WriteMounts("volumes", "name", mounts.Where(m => m.Type == ContainerMountType.Volume), bind: false);
    }

    private void WriteMounts(string list, string key, IEnumerable<ContainerMountAnnotation> mounts, bool bind)
    {
        if (!mounts.Any())
            return;
        Writer.WriteStartArray(list);
        foreach (ContainerMountAnnotation mount in mounts)
        {
            Writer.WriteStartObject();
            if (mount.Source is not null)
                Writer.WriteString(key, bind ? GetManifestRelativePath(mount.Source) : mount.Source);
            Writer.WriteString("target", mount.Target);
            Writer.WriteBoolean("readOnly", mount.IsReadOnly);
            Writer.WriteEndObject();
        }

        Writer.WriteEndArray();
    }
}
