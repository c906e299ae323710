using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;

namespace Aspire.Hosting.Running;

/// <summary>What a snapshot says about a process: how it was started and what DCP reports of it.</summary>
internal static class SnapshotFacts
{
    public static CustomResourceSnapshot With(CustomResourceSnapshot snapshot, IResource resource, Launch launch)
    {
        var properties = new List<(string, object?)>
        {
            ("executable.path", launch.Command),
            ("executable.workDir", launch.WorkingDirectory),
            ("executable.args", launch.Arguments),
        };
        if (resource is ProjectResource project)
            properties.Add(("project.path", project.GetProjectMetadata().ProjectPath));
        return snapshot with
        {
            Properties = Set(snapshot.Properties, properties),
            EnvironmentVariables = Variables(launch.Environment),
        };
    }

    public static CustomResourceSnapshot With(CustomResourceSnapshot snapshot, ContainerLaunch launch)
        => snapshot with
        {
            Properties = Set(
                snapshot.Properties, [("container.image", launch.Image), ("container.args", launch.Arguments)]),
            EnvironmentVariables = Variables(launch.Environment),
            Volumes = [.. launch.Mounts.Select(m => new VolumeSnapshot(
                m.Source, m.Target, m.IsVolume ? "volume" : "bind", m.IsReadOnly))],
        };

    /// <param name="item">The DCP object as it is now.</param>
    public static CustomResourceSnapshot With(CustomResourceSnapshot snapshot, JsonNode item)
    {
        string state = DcpObjects.StateOf(item);
        int? exitCode = DcpObjects.IntOf(item, "exitCode");
        bool failed = state == KnownResourceStates.FailedToStart || exitCode is not (null or 0);
        return snapshot with
        {
            State = state.Length == 0
                ? KnownResourceStates.Starting
                : new ResourceStateSnapshot(state, failed ? KnownResourceStateStyles.Error : null),
            ExitCode = exitCode,
            StartTimeStamp = DcpObjects.TimeOf(item, "startupTimestamp") ?? snapshot.StartTimeStamp,
            StopTimeStamp = DcpObjects.TimeOf(item, "finishTimestamp"),
            Properties = Set(snapshot.Properties,
            [
                ("executable.pid", DcpObjects.IntOf(item, "pid") is { } pid and > 0 ? pid : null),
                ("resource.exitCode", exitCode),
            ]),
            EnvironmentVariables = item["status"]?["effectiveEnv"] is JsonArray effective
                ? Merge(snapshot.EnvironmentVariables, effective)
                : snapshot.EnvironmentVariables,
        };
    }

    public static ImmutableArray<ResourcePropertySnapshot> Set(
        ImmutableArray<ResourcePropertySnapshot> properties, IEnumerable<(string Name, object? Value)> values)
    {
        var result = properties.ToDictionary(p => p.Name);
        foreach ((string name, object? value) in values)
        {
            if (value is null)
                result.Remove(name);
            else
                result[name] = new ResourcePropertySnapshot(name, value);
        }

        return [.. result.Values.OrderBy(p => p.Name, StringComparer.Ordinal)];
    }

    private static ImmutableArray<EnvironmentVariableSnapshot> Variables(IReadOnlyDictionary<string, string> values)
        => [.. values.OrderBy(v => v.Key, StringComparer.Ordinal)
            .Select(v => new EnvironmentVariableSnapshot(v.Key, v.Value, true))];

    /// <summary>Values as the process really got them, templates filled in; only the variables that we set.</summary>
    private static ImmutableArray<EnvironmentVariableSnapshot> Merge(
        ImmutableArray<EnvironmentVariableSnapshot> known, JsonArray effective)
    {
        Dictionary<string, string?> values = effective.OfType<JsonNode>()
            .GroupBy(v => (string?)v["name"] ?? "")
            .ToDictionary(g => g.Key, g => (string?)g.Last()["value"]);
        return [.. known.Select(v => values.TryGetValue(v.Name, out string? value) ? v with { Value = value } : v)];
    }
}
