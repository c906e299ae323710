using System.CommandLine;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton route --dry-run</c>: where a request would go, with nothing sent and nothing booked.</summary>
internal static class RouteCommand
{
    public static Command Create(Session session)
    {
        Option<bool> dryRun = new("--dry-run")
        {
            Description = "Only say what would happen; needed, for nothing else is offered.",
        };
        Option<string> model = new("--model") { Description = "The model.", Required = true, HelpName = "MODEL" };
        Option<string> version = new("--model-version")
        {
            Description = "Its version (default: the latest).",
            DefaultValueFactory = _ => "",
            HelpName = "VERSION",
        };
        RequestOptions request = new();
        Command command = new("route", "Where a request would go.") { dryRun, model, version };
        request.AddTo(command, tags: false);
        return new GatewayCommand(session).Complete(command, async (parse, call, _) =>
        {
            if (!parse.GetValue(dryRun))
            {
                throw new CommandFailure(ExitCode.Usage, "route needs --dry-run: requests are sent by ./lepton infer.");
            }

            PlanRouteRequest plan = new()
            {
                Model = parse.GetRequiredValue(model),
                ModelVersion = parse.GetValue(version) ?? "",
                DataClass = parse.GetValue(request.DataClass) ?? "",
                Priority = parse.GetValue(request.Priority) ?? "",
                Strategy = parse.GetValue(request.Strategy) ?? "",
            };
            PlanRouteResponse answer = await call.Gateway.Routing.PlanRouteAsync(plan, call.Options);
            Show(call, answer);

            // A refusal is the answer here and already shown; the exit code says it too.
            return answer.Decision.StatusCode > (int)StatusCode.OK ? ExitCode.Failed : ExitCode.Ok;
        });
    }

    private static void Show(GatewayCall call, PlanRouteResponse answer)
    {
        if (!call.Json)
        {
            DecisionView.Show(call.Terminal, answer.Decision);
            IEnumerable<string> gateways = answer.AllowedGateways.Select(
                g => $"{g.Name} {string.Join(' ', g.Routers.Select(r => r.GatewayUrl))}");
            call.Terminal.Line($"Gateways   {string.Join(", ", gateways)}");
            return;
        }

        JsonObject json = DecisionView.Json(answer.Decision);
        json["allowed_gateways"] = new JsonArray([.. answer.AllowedGateways.Select(g =>
            new JsonObject
            {
                ["region"] = g.Name, ["url"] = g.GatewayUrl,
                ["urls"] = DecisionView.Strings(g.Routers.Select(r => r.GatewayUrl)),
            })]);
        call.Terminal.Json(json);
    }
}
