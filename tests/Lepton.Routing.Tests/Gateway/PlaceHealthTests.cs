using System.Diagnostics.Metrics;
using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using OpenInference;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>Health as callers and operators meet it: over real sockets.</summary>
public sealed class PlaceHealthTests
{
    private static async Task<(StatusCode Status, Decision Decision)> AskAsync(TestRouter router)
    {
        StatusCode status = StatusCode.OK;
        using AsyncUnaryCall<ModelInferResponse> call = router.Client.ModelInferAsync(TestWorld.Ask("ocr"),
            new Metadata { { "x-lepton-strategy", "round-robin" } }); // the others go round it sooner
        try
        {
            await call;
        }
        catch (RpcException e)
        {
            status = e.StatusCode;
        }
        string id = (status == StatusCode.OK ? call.GetTrailers() : await call.ResponseHeadersAsync is { } headers
            && headers.GetValue("x-lepton-decision-id") is not null ? headers : call.GetTrailers())
            .GetValue("x-lepton-decision-id")!;
        return (status, (await router.Routing.ExplainDecisionAsync(new() { DecisionId = id })).Decision);
    }

    private static Task<ModelInferResponse> Broken(ModelInferRequest request, ServerCallContext context) =>
        throw new RpcException(new Status(StatusCode.Internal, "broken"));

    [Fact]
    public async Task ModelInfer_OneNodeFailsAtOnce_IsLeftOutAndExplainAndNodesSayWhy()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode bad = await world.AddNodeAsync("eu-west", "node-bad", "ocr");
        foreach (string id in (string[])["node-b", "node-c"])
            await world.AddNodeAsync("eu-west", id, "ocr");
        bad.Infer = Broken;
        TestRouter router = world["eu-west"];
        int failed = 0;
        Candidate? excluded = null;
        for (int i = 0; i < 500 && excluded is null; i++)
        {
            (StatusCode status, Decision decision) = await AskAsync(router);
            failed += status == StatusCode.OK ? 0 : 1;
            excluded = decision.Attempts[0].Candidates.SingleOrDefault(
                c => c.Exclusion == ExclusionReason.CircuitOpen);
        }
        Assert.Equal("node-bad", excluded?.Node);
        Assert.Contains("failures in a row; next trial in", excluded!.ExclusionDetail, StringComparison.Ordinal);
        Assert.InRange(failed, 0, 8); // retried where that is done; else five and a trial or two

        ModelCircuit circuit = (await router.Routing.ListNodesAsync(new())).Nodes
            .Single(n => n.Report.Node == "node-bad").Health.Circuits.Single();
        Assert.Equal(("ocr", "1"), (circuit.Model, circuit.Version));
        Assert.NotEqual(CircuitState.Closed, circuit.State);

        bad.Infer = (request, _) => Task.FromResult(new ModelInferResponse { ModelName = request.ModelName });
        bool trial = false;
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (router.Snapshot.Nodes.Any(n => n.Models.Any(
            m => m.Lane.CircuitState != Lepton.Routing.Health.CircuitState.Closed)))
        {
            // A trial that a hedge overtook says nothing: the next request is one.
            patience.Token.ThrowIfCancellationRequested();
            trial |= (await AskAsync(router)).Decision.Attempts.Any(a => a.Trial);
        }
        Assert.True(trial);
    }

    [Fact]
    public async Task ModelInfer_EveryNodeFails_PanicsVisiblyAndServesAsSoonAsTheyDo()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode[] nodes =
        [
            await world.AddNodeAsync("eu-west", "node-a", "ocr"), await world.AddNodeAsync("eu-west", "node-b", "ocr"),
        ];
        foreach (FakeNode node in nodes)
            node.Infer = Broken;
        long panics = 0;
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "lepton.routing.panic.picks")
                    self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref panics, value));
        listener.Start();
        Decision decision = new();
        for (int i = 0; i < 500 && decision.Attempts.All(a => !a.Panic); i++)
            (_, decision) = await AskAsync(world["eu-west"]);
        Assert.Contains(decision.Attempts, a => a.Panic);
        Assert.True(Interlocked.Read(ref panics) > 0);

        foreach (FakeNode node in nodes)
            node.Infer = (request, _) => Task.FromResult(new ModelInferResponse { ModelName = request.ModelName });
        Assert.Equal(StatusCode.OK, (await AskAsync(world["eu-west"])).Status); // nobody waits for a backoff
    }
}
