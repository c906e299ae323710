using System.CommandLine;
using Grpc.Core;
using Lepton.Cli.Inference;
using Lepton.Routing.V1;
using OpenInference;

namespace Lepton.Cli.Commands;

/// <summary>
/// <c>lepton demo finance|medical|logistics</c>: a user's document is read where its class allows, told from the
/// decision; then a gateway that may not see it refuses it.
/// </summary>
internal static class DemoCommand
{
    public static Command Create(Session session)
    {
        Command command = new("demo", "A user's document goes through the platform; where it went, and why.");
        foreach (Demo demo in Demo.All)
        {
            command.Subcommands.Add(new GatewayCommand(session, demo.Tenant).CompleteForRegions(
                new Command(demo.Name, $"Read {demo.Document}, as tenant {demo.Tenant}."),
                (_, calls, cancellation) => RunAsync(session, demo, calls, cancellation)));
        }

        return command;
    }

    private static async Task<ExitCode> RunAsync(
        Session session, Demo demo, IReadOnlyList<GatewayCall> calls, CancellationToken cancellation)
    {
        string file = session.Installation.Sample(demo.Name);
        if (!File.Exists(file))
        {
            throw new CommandFailure(ExitCode.Usage, $"{file} is missing: it is drawn at set-up.")
            {
                Hints = ["Draw it: ./lepton setup"],
            };
        }

        ModelInferRequest request = OcrAnswer.Request(await InferCommand.ReadAsync(file, cancellation));
        DemoStory story = new(demo, calls[0]);
        PlanRouteResponse plan = await AskAsync(calls[0], async call =>
            await call.Gateway.Routing.PlanRouteAsync(new PlanRouteRequest { Model = OcrAnswer.Model }, call.Options));
        story.Begin(Path.GetRelativePath(session.Installation.Root, file), plan);

        HashSet<string> allowed = [.. plan.AllowedGateways.Select(g => g.Name)];
        GatewayCall? home = calls.FirstOrDefault(c => allowed.Contains(c.Gateway.Region));
        GatewayCall? abroad = calls.FirstOrDefault(c => !allowed.Contains(c.Gateway.Region));
        if (home is not null)
        {
            await ServeAsync(story, home, request);
        }

        if (abroad is not null)
        {
            await RefuseAsync(story, abroad, request);
        }

        story.End(home is not null, abroad is not null);
        return home is not null ? ExitCode.Ok : ExitCode.Failed;
    }

    private static async Task ServeAsync(DemoStory story, GatewayCall home, ModelInferRequest request)
    {
        story.Sending(home);
        (ModelInferResponse response, Served served) = await AskAsync(home, call => SendAsync(call, request));
        ExplainDecisionResponse why = await ExplainAsync(home, served.DecisionId);
        story.Served(OcrAnswer.From(response), served, why);
    }

    /// <summary>A refusal is what must come; an answer would be a leak, and the demo's failure.</summary>
    private static async Task RefuseAsync(DemoStory story, GatewayCall abroad, ModelInferRequest request)
    {
        try
        {
            (_, Served served) = await SendAsync(abroad, request);
            throw new CommandFailure(ExitCode.Failed,
                $"{abroad.Gateway.Region} may not read this document and did: {served.Sentence()}.");
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.FailedPrecondition)
        {
            ExplainDecisionResponse why = await ExplainAsync(abroad, e.Trailers.GetValue("x-lepton-decision-id"));
            story.Refused(abroad, abroad.Failure(e), why.Decision);
        }
        catch (RpcException e)
        {
            throw abroad.Failure(e);
        }
    }

    private static Task<(ModelInferResponse Response, Served Served)> SendAsync(
        GatewayCall call, ModelInferRequest request) => call.InferAsync("lepton demo", request, []);

    private static Task<ExplainDecisionResponse> ExplainAsync(GatewayCall call, string? decision) =>
        AskAsync(call, async c => await c.Gateway.Routing.ExplainDecisionAsync(
            new ExplainDecisionRequest { DecisionId = decision ?? "" }, c.Options));

    /// <summary>What goes wrong is told of the gateway that was asked, not of the last one that was opened.</summary>
    private static async Task<T> AskAsync<T>(GatewayCall call, Func<GatewayCall, Task<T>> ask)
    {
        try
        {
            return await ask(call);
        }
        catch (RpcException e)
        {
            call.Options.CancellationToken.ThrowIfCancellationRequested();
            throw call.Failure(e);
        }
    }
}
