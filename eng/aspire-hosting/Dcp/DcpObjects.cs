using System.Globalization;
using System.Text.Json.Nodes;

namespace Aspire.Hosting.Dcp;

/// <summary>The JSON of the objects that we give to DCP and what we read back from them.</summary>
internal static class DcpObjects
{
    public const string Executables = "executables";
    public const string Containers = "containers";
    public const string Services = "services";

    /// <param name="port">0: DCP chooses.</param>
    public static JsonObject Service(string name, int port) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["protocol"] = "TCP",
            ["addressAllocationMode"] = "Localhost",
            ["port"] = port,
        },
    };

    public static JsonObject Executable(
        string name, Launch launch, IEnumerable<ProducedService> produced) => new()
    {
        ["metadata"] = Metadata(name, produced),
        ["spec"] = new JsonObject
        {
            ["executablePath"] = launch.Command,
            ["workingDirectory"] = launch.WorkingDirectory,
            ["args"] = Strings(launch.Arguments),
            ["env"] = Variables(launch.Environment),
            ["executionType"] = "Process",
            ["ambientEnvironment"] = new JsonObject { ["behavior"] = "Inherit" },
        },
    };

    public static JsonObject Container(
        string name, ContainerLaunch launch, IEnumerable<ProducedService> produced)
    {
        var spec = new JsonObject
        {
            ["env"] = Variables(launch.Environment),
            ["args"] = Strings(launch.Arguments),
            ["ports"] = new JsonArray([.. launch.Ports.Select(p => (JsonNode)new JsonObject
            {
                ["containerPort"] = p.ContainerPort,
                ["hostPort"] = p.HostPort,
                ["hostIP"] = "127.0.0.1",
                ["protocol"] = "TCP",
            })]),
            ["volumeMounts"] = new JsonArray([.. launch.Mounts.Select(m => (JsonNode)new JsonObject
            {
                ["type"] = m.IsVolume ? "volume" : "bind",
                ["source"] = m.Source,
                ["target"] = m.Target,
                ["readOnly"] = m.IsReadOnly,
            })]),
        };
        if (launch.Entrypoint is not null)
            spec["command"] = launch.Entrypoint;
        if (launch.BuildContext is null)
            spec["image"] = launch.Image;
        else
            spec["build"] = new JsonObject
            {
                ["context"] = launch.BuildContext,
                ["dockerfile"] = launch.Dockerfile,
                ["stage"] = launch.Stage,
                ["tags"] = new JsonArray(launch.Image),
            };
        return new JsonObject { ["metadata"] = Metadata(name, produced), ["spec"] = spec };
    }

    public static JsonObject StopPatch() => new() { ["spec"] = new JsonObject { ["stop"] = true } };

    public static string StateOf(JsonNode item) => (string?)item["status"]?["state"] ?? "";

    public static int? IntOf(JsonNode item, string field) => (int?)item["status"]?[field];

    public static DateTime? TimeOf(JsonNode item, string field)
        => DateTimeOffset.TryParse(
            (string?)item["status"]?[field], CultureInfo.InvariantCulture, out DateTimeOffset at)
            ? at.UtcDateTime
            : null;

    private static JsonObject Metadata(string name, IEnumerable<ProducedService> produced)
    {
        var metadata = new JsonObject { ["name"] = name };
        var services = new JsonArray([.. produced.Select(p =>
        {
            var service = new JsonObject { ["serviceName"] = p.ServiceName };
            if (p.Port is { } port)
                service["port"] = port;
            return (JsonNode)service;
        })]);
        if (services.Count > 0)
            metadata["annotations"] = new JsonObject { ["service-producer"] = services.ToJsonString() };
        return metadata;
    }

    private static JsonArray Strings(IEnumerable<string> values)
        => new([.. values.Select(v => (JsonNode)JsonValue.Create(v))]);

    private static JsonArray Variables(IReadOnlyDictionary<string, string> values)
        => new([.. values.Select(v => (JsonNode)new JsonObject { ["name"] = v.Key, ["value"] = v.Value })]);
}

/// <summary>An endpoint behind a proxy: the process listens on Port, or where portForServing told it to.</summary>
internal readonly record struct ProducedService(string ServiceName, int? Port);

internal sealed record Launch(
    string Command, string WorkingDirectory, IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment);

internal readonly record struct PublishedPort(int ContainerPort, int? HostPort);

internal readonly record struct ContainerMount(string? Source, string Target, bool IsVolume, bool IsReadOnly);

internal sealed record ContainerLaunch(
    string Image, string? Entrypoint, string? BuildContext, string? Dockerfile, string? Stage,
    IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment,
    IReadOnlyList<PublishedPort> Ports, IReadOnlyList<ContainerMount> Mounts);
