using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton models</c>: what can be asked for, and where it is served.</summary>
internal static class ModelsCommand
{
    public static Command Create(Session session) => new GatewayCommand(session).Complete(
        new Command("models", "The models and the regions that serve them."),
        async (_, call, _) =>
        {
            IReadOnlyList<Model> models = await ListAsync(call);
            if (call.Json)
            {
                call.Terminal.Json(new JsonArray([.. models.Select(Json)]));
            }
            else
            {
                call.Terminal.Show(Table(models));
            }

            return ExitCode.Ok;
        });

    private static async Task<IReadOnlyList<Model>> ListAsync(GatewayCall call)
    {
        List<Model> models = [];
        ListModelsRequest request = new() { PageSize = 1000 };
        do
        {
            ListModelsResponse page = await call.Gateway.Routing.ListModelsAsync(request, call.Options);
            models.AddRange(page.Models);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return models;
    }

    private static Table Table(IReadOnlyList<Model> models)
    {
        Table table = Tables.Create("Model", "Version", "Class", "Region", "Provider", ">Nodes", ">Slots",
            ">In flight", ">Queued", ">Service");
        foreach (Model model in models)
        {
            foreach (ModelPlace place in model.Places)
            {
                table.Add(model.Name, model.Version, model.DataClassFloor, place.Region,
                    string.Join(", ", place.Summary.Providers), place.Summary.Nodes.ToString(),
                    place.Summary.Slots.ToString(), place.Summary.InFlight.ToString(),
                    place.Summary.Queued.ToString(), Amounts.Milliseconds(place.Summary.ServiceTime));
            }
        }

        return table;
    }

    private static JsonNode Json(Model model) => new JsonObject
    {
        ["name"] = model.Name,
        ["version"] = model.Version,
        ["data_class_floor"] = model.DataClassFloor,
        ["places"] = new JsonArray([.. model.Places.Select(place => new JsonObject
        {
            ["region"] = place.Region,
            ["nodes"] = place.Summary.Nodes,
            ["slots"] = place.Summary.Slots,
            ["in_flight"] = place.Summary.InFlight,
            ["queued"] = place.Summary.Queued,
            ["providers"] = new JsonArray([.. place.Summary.Providers.Select(p => (JsonNode)p)]),
            ["service_time_ms"] = Amounts.JsonMilliseconds(place.Summary.ServiceTime),
        })]),
    };
}
