using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lepton.Sync.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync where|topology|promote</c>.</summary>
internal static class TopologyCommands
{
    public static Command Where(Session session)
    {
        RecordArguments record = new();
        Command command = new("where", "A key's slot, home, replicas and how far each is behind.");
        record.AddTo(command);
        return SyncCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            LocateResponse place = await call.Gateway.Topology.LocateAsync(
                new LocateRequest { Key = record.Read(parse) }, call.Options);
            if (call.Json)
            {
                call.Terminal.Json(new JsonObject
                {
                    ["slot"] = place.Slot,
                    ["epoch"] = place.Epoch,
                    ["term"] = place.Term,
                    ["replicas"] = new JsonArray([.. place.Replicas.Select(Json)]),
                });
                return ExitCode.Ok;
            }

            call.Terminal.Line($"slot {place.Slot} of 4096, epoch {place.Epoch}, this home since {place.Term}");
            Table table = new Table().Border(TableBorder.None).AddColumns("NODE", "", "REACHABLE", "BEHIND");
            foreach (ReplicaPlace replica in place.Replicas)
            {
                table.AddRow(replica.Node, replica.Home ? "home" : "", replica.Reachable ? "yes" : "no",
                    replica.Home ? "" : Behind(replica));
            }

            call.Terminal.Show(table);
            return ExitCode.Ok;
        });
    }

    public static Command Topology(Session session) => SyncCommand.Calls(session).Complete(
        new Command("topology", "Record classes, nodes, and what keeps the map."), async (_, call, _) =>
        {
            GetTopologyResponse map = await call.Gateway.Topology.GetTopologyAsync(
                new GetTopologyRequest(), call.Options);
            if (call.Json)
            {
                call.Terminal.Json(Json(map));
                return ExitCode.Ok;
            }

            call.Terminal.Line($"epoch {map.Epoch}, kept by {map.Store}"
                + (map.StoreTime is { } heard ? $", last heard {heard.ToDateTimeOffset():u}" : ", not heard yet"));
            Table classes = new Table().Border(TableBorder.None)
                .AddColumns("CLASS", "REGIONS", "COPIES", "HOMES", "KEYS", "WRITES WAIT FOR");
            foreach (RecordClass c in map.Classes)
            {
                classes.AddRow(c.Name, string.Join(", ", c.Regions),
                    string.Create(CultureInfo.InvariantCulture, $"{c.CopyRegions} x {c.CopyZones}"),
                    c.HomeRegion.Length == 0 ? "every region" : c.HomeRegion, c.BlindKeys ? "blind" : "clear",
                    c.DefaultLevel == WriteLevel.Any ? "another region" : "a second zone");
            }

            call.Terminal.Show(classes);
            Table nodes = new Table().Border(TableBorder.None)
                .AddColumns("NODE", "REACHABLE", "WEIGHT", "HOME OF", "HOLDS");
            foreach (SyncNode n in map.Nodes)
            {
                nodes.AddRow(n.Name, n.Reachable ? "yes" : "no", Number(n.Weight), Number(n.HomeSlots),
                    Number(n.Slots));
            }

            call.Terminal.Show(nodes);
            return ExitCode.Ok;
        });

    public static Command Promote(Session session)
    {
        Argument<string> node = new("NODE") { Description = "The node that is gone, e.g. eu-west-a." };
        Option<bool> acceptLoss = new("--accept-loss")
        {
            Description = "Go on although a replica that may hold more writes cannot be asked.",
        };
        return SyncCommand.Calls(session).Complete(
            new Command("promote", "Make replicas the homes of what a gone node was home of.") { node, acceptLoss },
            async (parse, call, _) =>
            {
                PromoteResponse done = await call.Gateway.Topology.PromoteAsync(
                    new PromoteRequest
                    {
                        Node = parse.GetRequiredValue(node), AcceptLoss = parse.GetValue(acceptLoss),
                    },
                    call.Options);
                if (call.Json)
                {
                    call.Terminal.Json(new JsonObject
                    {
                        ["epoch"] = done.Epoch,
                        ["promoted"] = new JsonObject(done.Promoted.OrderBy(p => p.Key, StringComparer.Ordinal)
                            .Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
                        ["waiting_slots"] = done.WaitingSlots,
                        ["serve_time"] = done.ServeTime.ToDateTimeOffset()
                            .ToString("O", CultureInfo.InvariantCulture),
                    });
                    return ExitCode.Ok;
                }

                foreach ((string home, int slots) in done.Promoted.OrderBy(p => p.Key, StringComparer.Ordinal))
                {
                    call.Terminal.Line(
                        $"{home} is home of {slots} more slots from {done.ServeTime.ToDateTimeOffset():u} on.");
                }

                call.Terminal.Line(done.WaitingSlots == 0
                    ? $"Epoch {done.Epoch}; nothing waits for {parse.GetRequiredValue(node)}."
                    : $"Epoch {done.Epoch}; {done.WaitingSlots} slots have no other replica and wait for "
                        + $"{parse.GetRequiredValue(node)}.");
                return ExitCode.Ok;
            });
    }

    private static string Behind(ReplicaPlace replica) => replica.Lag is { } lag
        ? string.Create(CultureInfo.InvariantCulture,
            $"{lag.ToTimeSpan().TotalMilliseconds:0} ms{(replica.LagBytes > 0 ? $", {replica.LagBytes} bytes" : "")}")
        : "not known here";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static JsonNode Json(ReplicaPlace replica) => new JsonObject
    {
        ["node"] = replica.Node,
        ["home"] = replica.Home,
        ["reachable"] = replica.Reachable,
        ["lag_ms"] = replica.Lag?.ToTimeSpan().TotalMilliseconds,
        ["lag_bytes"] = replica.LagBytes,
    };

    private static JsonObject Json(GetTopologyResponse map) => new()
    {
        ["epoch"] = map.Epoch,
        ["store"] = map.Store,
        ["classes"] = new JsonArray([.. map.Classes.Select(c => new JsonObject
        {
            ["name"] = c.Name,
            ["data_class"] = c.DataClass,
            ["regions"] = new JsonArray([.. c.Regions.Select(r => (JsonNode)r)]),
            ["copy_regions"] = c.CopyRegions,
            ["copy_zones"] = c.CopyZones,
            ["home_region"] = c.HomeRegion,
            ["blind_keys"] = c.BlindKeys,
        })]),
        ["nodes"] = new JsonArray([.. map.Nodes.Select(n => new JsonObject
        {
            ["name"] = n.Name,
            ["region"] = n.Region,
            ["zone"] = n.Zone,
            ["weight"] = n.Weight,
            ["home_slots"] = n.HomeSlots,
            ["slots"] = n.Slots,
            ["reachable"] = n.Reachable,
        })]),
    };
}
