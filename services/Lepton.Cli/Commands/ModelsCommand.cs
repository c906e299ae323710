using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Output;
using Lepton.Routing.V1;
using OpenInference;
using Spectre.Console;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton models</c>: what can be asked for and where it is served; loading and unloading.</summary>
internal static class ModelsCommand
{
    public static Command Create(Session session) => new GatewayCommand(session).Complete(
        new Command("models", "The models and the regions that serve them.")
        {
            Change(session, "load", "Load or reload a model on every node of a region.", "in service",
                (call, model) => call.Gateway.Inference.RepositoryModelLoadAsync(
                    new RepositoryModelLoadRequest { ModelName = model }, call.Options).ResponseAsync),
            Change(session, "unload", "Unload a model from every node of a region.", "out of service",
                (call, model) => call.Gateway.Inference.RepositoryModelUnloadAsync(
                    new RepositoryModelUnloadRequest { ModelName = model }, call.Options).ResponseAsync),
        },
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

    private static Command Change(
        Session session, string word, string description, string done, Func<GatewayCall, string, Task> change)
    {
        Argument<string> model = new("MODEL") { Description = "Its folder's name in the model repository." };
        return new GatewayCommand(session).Complete(new Command(word, description) { model }, async (parse, call, _) =>
        {
            string name = parse.GetRequiredValue(model);
            await change(call, name);
            if (call.Json)
            {
                call.Terminal.Json(new JsonObject { ["model"] = name, ["region"] = call.Gateway.Region });
            }
            else
            {
                call.Terminal.Line($"{name} is {done} on every node of {call.Gateway.Region}.");
            }

            return ExitCode.Ok;
        });
    }

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
