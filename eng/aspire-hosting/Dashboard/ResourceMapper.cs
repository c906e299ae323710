using System.Collections;
using System.Globalization;
using Aspire.DashboardService.Proto.V1;
using Aspire.Hosting.ApplicationModel;
using Google.Protobuf.WellKnownTypes;
using HealthChecks = Microsoft.Extensions.Diagnostics.HealthChecks;
using Wire = Aspire.DashboardService.Proto.V1;

namespace Aspire.Hosting.Dashboard;

/// <summary>Snapshots as the dashboard's messages.</summary>
internal static class ResourceMapper
{
    public static Wire.Resource ToWire(ResourceEvent change)
    {
        CustomResourceSnapshot snapshot = change.Snapshot;
        var resource = new Wire.Resource
        {
            Name = change.ResourceId,
            DisplayName = change.Resource.Name,
            Uid = change.ResourceId,
            ResourceType = snapshot.ResourceType,
            IsHidden = snapshot.IsHidden,
            SupportsDetailedTelemetry = change.Resource.HasAnnotationOfType<OtlpExporterAnnotation>(),
        };
        if (snapshot.State is { } state)
        {
            resource.State = state.Text;
            if (state.Style is not null)
                resource.StateStyle = state.Style;
        }

        resource.CreatedAt = At(snapshot.CreationTimeStamp);
        resource.StartedAt = At(snapshot.StartTimeStamp);
        resource.StoppedAt = At(snapshot.StopTimeStamp);
        resource.Environment.AddRange(snapshot.EnvironmentVariables.Select(ToWire));
        resource.Properties.AddRange(snapshot.Properties.Select(ToWire));
        resource.Urls.AddRange(snapshot.Urls.Select(u => ToWire(u, snapshot)));
        resource.Volumes.AddRange(snapshot.Volumes.Select(v => new Volume
        {
            Source = v.Source ?? "",
            Target = v.Target,
            MountType = v.MountType,
            IsReadOnly = v.IsReadOnly,
        }));
        resource.HealthReports.AddRange(snapshot.HealthReports.Select(ToWire));
        resource.Relationships.AddRange(snapshot.Relationships.Select(
            r => new ResourceRelationship { ResourceName = r.ResourceName, Type = r.Type }));
        if (change.Resource is ProjectResource or ExecutableResource or ContainerResource)
            resource.Commands.AddRange(CommandsFor(snapshot.State?.Text));
        return resource;
    }

    private static IEnumerable<ResourceCommand> CommandsFor(string? state)
    {
        bool running = state == KnownResourceStates.Running;
        bool ended = state == KnownResourceStates.NotStarted || KnownResourceStates.TerminalStates.Contains(state);
        bool between = state == KnownResourceStates.Starting || state == KnownResourceStates.Waiting;
        yield return Command(
            KnownResourceCommands.StartCommand, "Start", "Play", ended,
            running || between ? ResourceCommandState.Hidden : ResourceCommandState.Disabled);
        yield return Command(
            KnownResourceCommands.StopCommand, "Stop", "Stop", running || between,
            ended ? ResourceCommandState.Hidden : ResourceCommandState.Disabled);
        yield return Command(
            KnownResourceCommands.RestartCommand, "Restart", "ArrowCounterclockwise", running,
            ResourceCommandState.Disabled);
    }

    private static ResourceCommand Command(
        string name, string displayName, string icon, bool enabled, ResourceCommandState otherwise) => new()
    {
        Name = name,
        DisplayName = displayName,
        IconName = icon,
        IconVariant = IconVariant.Filled,
        IsHighlighted = true,
        State = enabled ? ResourceCommandState.Enabled : otherwise,
    };

    private static EnvironmentVariable ToWire(EnvironmentVariableSnapshot variable)
    {
        var wire = new EnvironmentVariable { Name = variable.Name, IsFromSpec = variable.IsFromSpec };
        if (variable.Value is not null)
            wire.Value = variable.Value;
        return wire;
    }

    private static ResourceProperty ToWire(ResourcePropertySnapshot property) => new()
    {
        Name = property.Name,
        IsSensitive = property.IsSensitive,
        Value = ToWire(property.Value),
    };

    private static Value ToWire(object? value) => value switch
    {
        null => Value.ForNull(),
        string text => Value.ForString(text),
        bool truth => Value.ForBool(truth),
        IEnumerable many => Value.ForList([.. many.Cast<object?>().Select(ToWire)]),
        _ => Value.ForString(Convert.ToString(value, CultureInfo.InvariantCulture)),
    };

    private static Wire.Url ToWire(UrlSnapshot url, CustomResourceSnapshot of)
    {
        var wire = new Wire.Url
        {
            FullUrl = url.Url,
            IsInternal = url.IsInternal,
            IsInactive = url.IsInactive || of.State?.Text != KnownResourceStates.Running,
            DisplayProperties = new UrlDisplayProperties
            {
                DisplayName = url.DisplayProperties.DisplayName,
                SortOrder = url.DisplayProperties.SortOrder,
            },
        };
        if (url.Name is not null)
            wire.EndpointName = url.Name;
        return wire;
    }

    private static Wire.HealthReport ToWire(HealthReportSnapshot report)
    {
        var wire = new Wire.HealthReport
        {
            Key = report.Name,
            Description = report.Description ?? "",
            Exception = report.ExceptionText ?? "",
            LastRunAt = At(report.LastRunAt),
        };
        if (report.Status is { } status)
            wire.Status = status switch
            {
                HealthChecks.HealthStatus.Healthy => HealthStatus.Healthy,
                HealthChecks.HealthStatus.Degraded => HealthStatus.Degraded,
                _ => HealthStatus.Unhealthy,
            };
        return wire;
    }

    private static Timestamp? At(DateTime? moment)
        => moment is { } at ? Timestamp.FromDateTime(DateTime.SpecifyKind(at, DateTimeKind.Utc)) : null;
}
