using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes resources as entries of a manifest: the JSON by which deployment tools read the model.</summary>
public sealed partial class ManifestPublishingContext(
    DistributedApplicationExecutionContext executionContext, string manifestPath, Utf8JsonWriter writer,
    CancellationToken cancellationToken = default)
{
    private const int FirstAllocatedPort = 8000;

    private readonly Dictionary<string, IResource> referenced = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<int> usedPorts = [];

    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;

    public string ManifestPath { get; } = manifestPath;

    public Utf8JsonWriter Writer { get; } = writer;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>The path as seen from the manifest's folder, with forward slashes.</summary>
    public string? GetManifestRelativePath(string? path)
    {
        if (path is null)
            return null;
        string folder = Path.GetDirectoryName(Path.GetFullPath(ManifestPath))
            ?? throw new DistributedApplicationException("Could not get directory name of output path");
        return Path.GetRelativePath(folder, path).Replace('\\', '/');
    }

    /// <summary>The whole model in its order, then what it refers to and does not contain.</summary>
    internal async Task WriteModelAsync(DistributedApplicationModel model)
    {
        Writer.WriteStartObject();
        Writer.WriteStartObject("resources");
        foreach (IResource resource in model.Resources)
            await WriteResourceAsync(resource).ConfigureAwait(false);
        HashSet<string> written = [.. model.Resources.Select(r => r.Name)];
        while (referenced.Values.FirstOrDefault(r => !written.Contains(r.Name)) is { } missing)
        {
            written.Add(missing.Name);
            await WriteResourceAsync(missing).ConfigureAwait(false);
        }

        Writer.WriteEndObject();
        Writer.WriteEndObject();
        await Writer.FlushAsync(CancellationToken).ConfigureAwait(false);
    }

    public async Task WriteEnvironmentVariablesAsync(IResource resource)
    {
        LaunchConfiguration configuration = await ResolveAsync(resource).ConfigureAwait(false);
        if (configuration.Environment.Count == 0)
            return;
        Writer.WriteStartObject("env");
        foreach ((string name, (object raw, string value)) in configuration.Environment)
        {
            Writer.WriteString(name, value);
            TryAddDependentResources(raw);
        }

        Writer.WriteEndObject();
    }

    public async Task WriteCommandLineArgumentsAsync(IResource resource)
    {
        LaunchConfiguration configuration = await ResolveAsync(resource).ConfigureAwait(false);
        if (configuration.Arguments.Count == 0)
            return;
        Writer.WriteStartArray("args");
        foreach ((object raw, string value) in configuration.Arguments)
        {
            Writer.WriteStringValue(value);
            TryAddDependentResources(raw);
        }

        Writer.WriteEndArray();
    }

    public void WriteBindings(IResource resource)
    {
        EndpointAnnotation[] endpoints = [.. resource.Annotations.OfType<EndpointAnnotation>()];
        if (endpoints.Length == 0)
            return;
        Writer.WriteStartObject("bindings");
        var schemes = new HashSet<string>();
        foreach (EndpointAnnotation endpoint in endpoints)
        {
            bool firstHttp = resource is ProjectResource && endpoint.UriScheme is "http" or "https"
                && schemes.Add(endpoint.UriScheme);
            WriteBinding(resource, endpoint, firstHttp);
        }

        Writer.WriteEndObject();
    }

    /// <summary>Remembers the resources that a value refers to, so that they get into the manifest as well.</summary>
    public void TryAddDependentResources(object? value)
    {
        if (value is IResource resource)
        {
            referenced.TryAdd(resource.Name, resource);
        }
        else if (value is IValueWithReferences container)
        {
            foreach (object inner in container.References)
                TryAddDependentResources(inner);
        }
    }

    private async Task WriteResourceAsync(IResource resource)
    {
        if (resource.TryGetLastAnnotation(out ManifestPublishingCallbackAnnotation? callback))
        {
            if (callback.Callback is null)
                return;
            Writer.WriteStartObject(resource.Name);
            await callback.Callback(this).ConfigureAwait(false);
            Writer.WriteEndObject();
            return;
        }

        Writer.WriteStartObject(resource.Name);
        switch (resource)
        {
            case ContainerResource container:
                await WriteContainerAsync(container).ConfigureAwait(false);
                break;
            case ProjectResource project:
                await WriteProjectAsync(project).ConfigureAwait(false);
                break;
            case ExecutableResource executable:
                await WriteExecutableAsync(executable).ConfigureAwait(false);
                break;
            case ParameterResource parameter:
                WriteParameter(parameter);
                break;
            default:
                Writer.WriteString("error", "This resource does not support generation in the manifest.");
                break;
        }

        Writer.WriteEndObject();
    }

    private async Task WriteProjectAsync(ProjectResource project)
    {
        Writer.WriteString("type", "project.v0");
        Writer.WriteString("path", GetManifestRelativePath(project.GetProjectMetadata().ProjectPath));
        await WriteCommandLineArgumentsAsync(project).ConfigureAwait(false);
        await WriteEnvironmentVariablesAsync(project).ConfigureAwait(false);
        WriteBindings(project);
    }

    private async Task WriteExecutableAsync(ExecutableResource executable)
    {
        Writer.WriteString("type", "executable.v0");
        Writer.WriteString("workingDirectory", GetManifestRelativePath(executable.WorkingDirectory));
        Writer.WriteString("command", executable.Command);
        await WriteCommandLineArgumentsAsync(executable).ConfigureAwait(false);
        await WriteEnvironmentVariablesAsync(executable).ConfigureAwait(false);
        WriteBindings(executable);
    }

    private void WriteParameter(ParameterResource parameter)
    {
        Writer.WriteString("type", "parameter.v0");
        if (parameter.IsConnectionString)
            Writer.WriteString("connectionString", parameter.ValueExpression);
        Writer.WriteString("value", $"{{{parameter.Name}.inputs.value}}");
        Writer.WriteStartObject("inputs");
        Writer.WriteStartObject("value");
        Writer.WriteString("type", "string");
        if (parameter.Secret)
            Writer.WriteBoolean("secret", true);
        if (parameter.Default is not null)
        {
            Writer.WriteStartObject("default");
            parameter.Default.WriteToManifest(this);
            Writer.WriteEndObject();
        }

        Writer.WriteEndObject();
        Writer.WriteEndObject();
    }

    private void WriteBinding(IResource resource, EndpointAnnotation endpoint, bool firstHttp)
    {
        // A project's first http and https endpoints get their port from the deployment tool.
        int? targetPort = endpoint.TargetPort
            ?? (resource is ContainerResource ? endpoint.Port : null)
            ?? (firstHttp ? null : AllocatePort());
        int? port = endpoint.Port ?? (targetPort is null && endpoint.UriScheme is not ("http" or "https")
            ? AllocatePort()
            : null);
        Writer.WriteStartObject(endpoint.Name);
        Writer.WriteString("scheme", endpoint.UriScheme);
        Writer.WriteString("protocol", endpoint.Protocol.ToString().ToLowerInvariant());
        Writer.WriteString("transport", endpoint.Transport);
        if (port is { } exposed && exposed != targetPort)
            Writer.WriteNumber("port", exposed);
        if (targetPort is { } target)
            Writer.WriteNumber("targetPort", target);
        if (endpoint.IsExternal)
            Writer.WriteBoolean("external", true);
        Writer.WriteEndObject();
        usedPorts.UnionWith(new[] { port, targetPort }.OfType<int>());
    }

    private int AllocatePort()
    {
        int port = FirstAllocatedPort;
        while (!usedPorts.Add(port))
            port++;
        return port;
    }

    private Task<LaunchConfiguration> ResolveAsync(IResource resource)
        => LaunchConfiguration.ResolveAsync(resource, ExecutionContext, NullLogger.Instance, CancellationToken);
}
