using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;
using Spectre.Console;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton status</c>: what runs, how it is and how much memory it takes.</summary>
internal static class StatusCommand
{
    /// <summary>What belongs to no single resource: app host, orchestrator and its monitors.</summary>
    private const string HostName = "app host and orchestrator";

    private sealed record Row(ResourceState Resource, int Processes, long MemoryBytes);

    public static Command Create(Session session)
    {
        Option<bool> json = SharedOptions.Json();
        Option<string> instance = SharedOptions.Instance();
        Command command = new("status", "What runs, how it is, how much memory it takes.") { json, instance };
        command.SetAction(async (parse, cancellation) =>
        {
            string name = parse.GetRequiredValue(instance);
            PlatformFile platform = session.RequireRunning(name);
            using ResourceServiceClient resources = new(platform.Dashboard);
            IReadOnlyList<ResourceState> states = await resources.ListAsync(cancellation);
            List<Row> rows = Measure(session, session.Installation.Instance(name), states);
            if (parse.GetValue(json))
            {
                session.Terminal.Json(Json(platform, rows));
            }
            else
            {
                Show(session, platform, rows);
            }

            return (int)(IsUp(platform, states) ? ExitCode.Ok : ExitCode.PlatformDown);
        });
        return command;
    }

    private static bool IsUp(PlatformFile platform, IReadOnlyList<ResourceState> states) =>
        platform.State == PlatformState.Running && states.Count > 0 &&
        states.All(s => s.IsWaitingForStart || (s.State == "Running" && s.Health is null or "Healthy"));

    /// <summary>A resource's memory is that of its process and of all that this process started.</summary>
    private static List<Row> Measure(
        Session session, Instance instance, IReadOnlyList<ResourceState> states)
    {
        IReadOnlyList<ProcessRow> processes = session.Processes.OfInstance(instance);
        Dictionary<int, int> parents = processes.ToDictionary(p => p.Id.Pid, p => p.ParentPid);
        HashSet<int> owners = [.. states.Select(s => s.Pid).OfType<int>()];
        ILookup<int, long> memory = processes.ToLookup(
            p => Owner(p.Id.Pid, parents, owners), p => session.Processes.PssBytes(p.Id.Pid) ?? 0);
        List<Row> rows = [.. states.OrderBy(s => s.Name, StringComparer.Ordinal)
            .Select(s => new Row(s, memory[s.Pid ?? -1].Count(), memory[s.Pid ?? -1].Sum()))];
        ResourceState host = new() { Name = HostName, Id = HostName, State = "Running" };
        rows.Add(new Row(host, memory[0].Count(), memory[0].Sum()));
        return rows;
    }

    /// <summary>The nearest resource's process at or above this one; 0 when there is none.</summary>
    private static int Owner(int pid, Dictionary<int, int> parents, HashSet<int> owners)
    {
        while (!owners.Contains(pid))
        {
            if (!parents.TryGetValue(pid, out pid))
            {
                return 0;
            }
        }

        return pid;
    }

    private static void Show(Session session, PlatformFile platform, IReadOnlyList<Row> rows)
    {
        DateTimeOffset now = session.Time.GetUtcNow();
        Table table = Tables.Create("Resource", "State", "Health", ">Pid", ">Age", ">Processes", ">Memory (PSS)");
        foreach (Row row in rows)
        {
            table.Add(row.Resource.Name, row.Resource.State, row.Resource.Health ?? "-",
                row.Resource.Pid?.ToString() ?? "-",
                row.Resource.StartTime is { } start ? Amounts.Age(now - start) : "-",
                row.Processes.ToString(), Amounts.Bytes(row.MemoryBytes));
        }

        session.Terminal.Line($"Instance {platform.Instance}, {platform.State.ToString().ToLowerInvariant()}, " +
            $"up {Amounts.Age(now - platform.StartTime)}; dashboard {platform.Dashboard.LoginUrl}");
        session.Terminal.Show(table);
        session.Terminal.Line($"Total memory {Amounts.Bytes(rows.Sum(r => r.MemoryBytes))} " +
            $"in {rows.Sum(r => r.Processes)} processes.");
        if (rows.Count == 1)
        {
            session.Terminal.Line("The app host's resource service does not answer.");
        }
    }

    private static JsonObject Json(PlatformFile platform, IReadOnlyList<Row> rows) => new()
    {
        ["instance"] = platform.Instance,
        ["state"] = platform.State.ToString().ToLowerInvariant(),
        ["start_time"] = platform.StartTime.ToString("O"),
        ["app_host_pid"] = platform.AppHost.Pid,
        ["dashboard"] = platform.Dashboard.LoginUrl,
        ["regions"] = new JsonArray([.. platform.Regions.Select(r => new JsonObject
        {
            ["name"] = r.Name, ["gateway"] = r.GatewayUrl, ["gateways"] = DecisionView.Strings(r.GatewayUrls),
        })]),
        ["resources"] = new JsonArray([.. rows.Select(row => new JsonObject
        {
            ["name"] = row.Resource.Name,
            ["state"] = row.Resource.State,
            ["health"] = row.Resource.Health,
            ["pid"] = row.Resource.Pid,
            ["start_time"] = row.Resource.StartTime?.ToString("O"),
            ["processes"] = row.Processes,
            ["memory_pss_bytes"] = row.MemoryBytes,
        })]),
        ["memory_pss_bytes"] = rows.Sum(r => r.MemoryBytes),
    };
}
