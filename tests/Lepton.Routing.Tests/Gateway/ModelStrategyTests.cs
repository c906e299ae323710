using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

public sealed class ModelStrategyTests
{
    [Theory]
    [InlineData("ocr", null, "p2c")]
    [InlineData("ocr", "random", "random")]
    [InlineData("language", null, "guarded")]
    [InlineData("language", "peak-ewma", "peak-ewma")]
    public async Task ModelInfer_Strategy_IsTheRequestsThenTheModelsThenTheDefault(
        string model, string? asked, string expected)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: new()
        {
            ["Routing:ModelStrategies:0:Model"] = "ocr", ["Routing:ModelStrategies:0:Strategy"] = "p2c",
        });
        await world.AddNodeAsync("eu-west", "node-a", "ocr", "language");
        TestRouter router = world["eu-west"];
        Metadata headers = asked is null ? [] : new() { { "x-lepton-strategy", asked } };

        using AsyncUnaryCall<ModelInferResponse> call = router.Client.ModelInferAsync(TestWorld.Ask(model), headers);
        await call;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        Decision made = (await router.Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision;
        PlanRouteResponse plan = await router.Routing.PlanRouteAsync(new() { Model = model, Strategy = asked ?? "" });

        Assert.Equal((expected, expected), (made.Strategy, plan.Decision.Strategy));
    }

    [Theory]
    [InlineData("", "p2c", "", "Routing:ModelStrategies:0:Model takes a model's name.")]
    [InlineData("ocr", "best", "", "Routing:ModelStrategies:0:Strategy takes one of guarded, least-outstanding, ")]
    [InlineData("ocr", "", "", "Routing:ModelStrategies:0:Strategy takes one of guarded, least-outstanding, ")]
    [InlineData("ocr", "p2c", "ocr", "Routing:ModelStrategies names ocr more than once.")]
    public async Task Start_BadModelStrategy_StopsNamingTheFieldAndWhatItTakes(
        string model, string strategy, string second, string fault)
    {
        Dictionary<string, string?> settings = new()
        {
            ["Routing:ModelStrategies:0:Model"] = model, ["Routing:ModelStrategies:0:Strategy"] = strategy,
        };
        if (second.Length > 0)
            (settings["Routing:ModelStrategies:1:Model"], settings["Routing:ModelStrategies:1:Strategy"]) =
                (second, "random");
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(
            () => TestWorld.StartAsync(["eu-west"], settings: settings));
        Assert.Contains(fault, e.Message, StringComparison.Ordinal);
    }
}
