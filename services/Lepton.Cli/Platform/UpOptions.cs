using System.Text.RegularExpressions;

namespace Lepton.Cli.Platform;

/// <summary>What <c>lepton up</c> was asked for, as typed.</summary>
internal sealed record UpRequest
{
    public string Instance { get; init; } = "default";

    public string Regions { get; init; } = "us-east,eu-west,ap-southeast";

    public string Zones { get; init; } = "2";

    public string Profile { get; init; } = "main";

    public string Wan { get; init; } = "on";

    public string Postgres { get; init; } = "embedded";

    public string BasePort { get; init; } = "7400";

    /// <summary>Seconds until a platform that is not ready counts as failed.</summary>
    public string Timeout { get; init; } = "180";
}

/// <summary>The same, checked.</summary>
internal sealed partial record UpOptions
{
    public required string Instance { get; init; }

    public required IReadOnlyList<string> Regions { get; init; }

    public required int Zones { get; init; }

    public required string Profile { get; init; }

    public required bool Wan { get; init; }

    public required string Postgres { get; init; }

    /// <summary>The same without a connection's secrets: embedded, container or connection.</summary>
    public string PostgresKind => Postgres is "embedded" or "container" ? Postgres : "connection";

    public required int BasePort { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>
    /// Nodes of Sync are started: they are no part of the main job, and each takes a database of an embedded server.
    /// </summary>
    public bool Records => Profile == "full" && Postgres == "embedded";

    public PortPlan Ports => new(BasePort, Regions, Zones, Wan, Records);

    /// <summary>Checks everything and says everything that is wrong, not the first thing only.</summary>
    public static UpOptions Check(UpRequest request)
    {
        List<string> errors = [];
        string[] regions = request.Regions.Split(',', StringSplitOptions.TrimEntries);
        CheckRegions(regions, errors);
        Require(InstanceName().IsMatch(request.Instance), errors,
            $"--instance {request.Instance}: a name of 1 to 40 lower-case letters, digits and hyphens is needed.");
        Require(request.Zones is "1" or "2", errors, $"--zones {request.Zones}: 1 or 2 is needed.");
        Require(request.Profile is "main" or "full", errors, $"--profile {request.Profile}: main or full is needed.");
        Require(request.Wan is "on" or "off", errors, $"--wan {request.Wan}: on or off is needed.");
        Require(request.Postgres is "embedded" or "container" || request.Postgres.Contains('='), errors,
            "--postgres: embedded, container or a connection string (Host=...;Username=...) is needed.");
        int basePort = Number(request.BasePort, 1024, PortPlan.BaseMax, "--base-port", errors);
        int seconds = Number(request.Timeout, 5, 3600, "--timeout", errors);
        if (errors.Count > 0)
        {
            throw new CommandFailure(ExitCode.Usage, string.Join(Environment.NewLine, errors));
        }

        return new UpOptions
        {
            Instance = request.Instance,
            Regions = regions,
            Zones = int.Parse(request.Zones),
            Profile = request.Profile,
            Wan = request.Wan == "on",
            Postgres = request.Postgres,
            BasePort = basePort,
            Timeout = TimeSpan.FromSeconds(seconds),
        };
    }

    /// <summary>An instance's name becomes a folder's name, so nothing that could leave the folder passes.</summary>
    public static void CheckInstance(string name)
    {
        if (!InstanceName().IsMatch(name))
        {
            throw new CommandFailure(ExitCode.Usage,
                $"--instance {name}: a name of 1 to 40 lower-case letters, digits and hyphens is needed.");
        }
    }

    private static void CheckRegions(string[] regions, List<string> errors)
    {
        foreach (string region in regions)
        {
            Require(RegionName().IsMatch(region), errors, $"--regions: '{region}' is no region's name; "
                + "lower-case letters, digits and hyphens are, such as eu-west.");
        }

        string[] twice = [.. regions.GroupBy(r => r).Where(g => g.Count() > 1).Select(g => g.Key)];
        Require(twice.Length == 0, errors, $"--regions: {string.Join(", ", twice)} is named twice.");
        Require(regions.Length <= PortPlan.RegionsMax, errors,
            $"--regions: {regions.Length} regions; at most {PortPlan.RegionsMax} fit the port plan.");
    }

    private static int Number(string text, int least, int most, string option, List<string> errors)
    {
        bool good = int.TryParse(text, out int value) && value >= least && value <= most;
        Require(good, errors, $"{option} {text}: a whole number from {least} to {most} is needed.");
        return good ? value : least;
    }

    private static void Require(bool condition, List<string> errors, string message)
    {
        if (!condition)
        {
            errors.Add(message);
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{1,30}$")]
    private static partial Regex RegionName();

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,39}$")]
    private static partial Regex InstanceName();
}
