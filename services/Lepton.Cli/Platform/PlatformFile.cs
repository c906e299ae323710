using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lepton.Cli.Platform;

/// <summary>How far <c>lepton up</c> came.</summary>
internal enum PlatformState
{
    Starting,
    Running,
}

/// <summary>What clients call.</summary>
internal enum ClientService
{
    /// <summary>A region's gateways.</summary>
    Routing,

    /// <summary>A region's keepers of records.</summary>
    Sync,

    /// <summary>A region's audit logs, policies and roles.</summary>
    Compliance,
}

/// <summary>A region and the addresses that clients use.</summary>
internal sealed record PlatformRegion
{
    public required string Name { get; init; }

    /// <summary>The first gateway.</summary>
    public required string GatewayUrl { get; init; }

    /// <summary>All gateways, one a zone, the first one too.</summary>
    public required IReadOnlyList<string> GatewayUrls { get; init; }

    /// <summary>The nodes of Sync, one a zone; empty: this platform keeps no records.</summary>
    public IReadOnlyList<string> SyncUrls { get; init; } = [];

    /// <summary>The compliance services, one a zone; empty: this platform has none.</summary>
    public IReadOnlyList<string> ComplianceUrls { get; init; } = [];

    /// <summary>The addresses of a service that clients call.</summary>
    public IReadOnlyList<string> Urls(ClientService service) => service switch
    {
        ClientService.Sync => SyncUrls,
        ClientService.Compliance => ComplianceUrls,
        _ => GatewayUrls,
    };

    /// <summary>Nodes that start by themselves; the standby node is not one of them.</summary>
    public required IReadOnlyList<string> Nodes { get; init; }

    /// <summary>The resource's name of the router behind a gateway: the first zone's has the short one.</summary>
    public string RouterAt(string gatewayUrl) =>
        gatewayUrl == GatewayUrls[0] ? $"routing-{Name}" : $"routing-{Name}-b";
}

/// <summary>
/// What <c>lepton up</c> leaves behind for the other commands: who runs, where it answers, and the keys of the
/// dashboard. It holds secrets of this machine's development platform, so only its owner may read it.
/// </summary>
internal sealed record PlatformFile
{
    public required string Instance { get; init; }

    public required PlatformState State { get; init; }

    /// <summary>The app host; together with its start time no other process can be taken for it.</summary>
    public required ProcessId AppHost { get; init; }

    public required DateTimeOffset StartTime { get; init; }

    public required string Profile { get; init; }

    public required int Zones { get; init; }

    public required bool Wan { get; init; }

    public required string Postgres { get; init; }

    public required int BasePort { get; init; }

    public required IReadOnlyList<PlatformRegion> Regions { get; init; }

    public required DashboardAccess Dashboard { get; init; }

    /// <summary>The installation's certificate authority.</summary>
    public required string AuthorityFile { get; init; }

    /// <summary>Where people log in; null: this platform has no authority of its own.</summary>
    public PlatformIdentity? Identity { get; init; }

    public PlatformRegion Region(string? name)
    {
        if (name is null)
        {
            return Regions[0];
        }

        return Regions.FirstOrDefault(r => r.Name == name) ?? throw new CommandFailure(ExitCode.Usage,
            $"--from {name}: no such region. This platform has {string.Join(", ", Regions.Select(r => r.Name))}.");
    }

    public void Write(string path)
    {
        // A reader sees the old file or the new one, never half of one; the mode is set before any byte is written.
        string temporary = path + ".new";
        FileStreamOptions options = new()
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        File.Delete(temporary);
        using (FileStream stream = new(temporary, options))
        {
            JsonSerializer.Serialize(stream, this, PlatformJson.Default.PlatformFile);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Null when there is none; a file that cannot be read counts as none and is said so.</summary>
    public static PlatformFile? Read(string path, Action<string> warn)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return JsonSerializer.Deserialize(stream, PlatformJson.Default.PlatformFile);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            warn($"{path} is damaged ({e.Message}); it is taken for absent.");
            return null;
        }
    }
}

/// <summary>The OAuth authority that issues the tokens which this platform's gateways take.</summary>
internal sealed record PlatformIdentity
{
    /// <summary>Its <c>iss</c>: an https address, of which OpenID discovery finds the rest.</summary>
    public required string IssuerUrl { get; init; }
}

/// <summary>How the CLI and the tests reach the dashboard and the app host's resource service.</summary>
internal sealed record DashboardAccess
{
    public required string Url { get; init; }

    /// <summary>The token of <c>/login?t=</c>.</summary>
    public required string LoginToken { get; init; }

    public required string OtlpUrl { get; init; }

    public required string OtlpApiKey { get; init; }

    /// <summary>The key of <c>/api/telemetry</c>, sent as <c>x-api-key</c>.</summary>
    public required string TelemetryApiKey { get; init; }

    public required string ResourceServiceUrl { get; init; }

    public required string ResourceServiceApiKey { get; init; }

    [JsonIgnore]
    public string LoginUrl => $"{Url}/login?t={LoginToken}";
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(PlatformFile))]
internal sealed partial class PlatformJson : JsonSerializerContext;
