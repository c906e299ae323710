using System.Text.Json.Nodes;
using Lepton.Cli.Inference;
using Lepton.Cli.Output;
using Lepton.Routing.V1;

namespace Lepton.Cli.Commands;

/// <summary>Tells a demo as it happens, to a person; to a program, in one object at its end.</summary>
internal sealed class DemoStory(Demo demo, GatewayCall any)
{
    private readonly JsonObject json = new() { ["demo"] = demo.Name };

    public void Begin(string file, PlanRouteResponse plan)
    {
        json["document"] = file;
        json["tenant"] = plan.Decision.Tenant;
        json["data_class"] = plan.Decision.DataClass;
        json["allowed_regions"] = DecisionView.Strings(plan.AllowedGateways.Select(g => g.Name));
        string regions = plan.AllowedGateways.Count > 0
            ? string.Join(" and ", plan.AllowedGateways.Select(g => g.Name))
            : "no region of this platform";
        Line($"Tenant {plan.Decision.Tenant} has {demo.Document} read: {file}");
        Line($"Its data is of class {plan.Decision.DataClass}, which may be processed in {regions}.");
    }

    public void Sending(GatewayCall call)
    {
        Line();
        Line($"Sent to the gateway in {call.Gateway.Region}, the text comes back:");
    }

    public void Served(OcrAnswer answer, Served served, ExplainDecisionResponse why)
    {
        JsonObject told = new() { ["text"] = answer.Text, ["decision"] = ExplainCommand.Json(why) };
        served.AddTo(told);
        json["served"] = told;
        foreach (TextLine line in answer.Lines)
        {
            Line("    " + line.Text);
        }

        Line();
        Line($"Read by {served.Sentence()}.");
        Line();
        Line("Why there:");
        if (!any.Json)
        {
            ExplainCommand.Show(any.Terminal, why);
        }
    }

    public void Refused(GatewayCall call, CommandFailure failure, Decision decision)
    {
        json["refused"] = new JsonObject
        {
            ["region"] = call.Gateway.Region,
            ["error"] = failure.Json?.DeepClone(),
            ["decision"] = DecisionView.Json(decision),
        };
        Line();
        Line($"The same document at the gateway in {call.Gateway.Region}:");
        Line("    " + failure.Message);
        Line($"    {decision.RequestBytesRead} bytes of the document were read there; decision {decision.Id}");
    }

    public void End(bool isServed, bool isRefused)
    {
        if (any.Json)
        {
            any.Terminal.Json(json);
            return;
        }

        Line();
        if (!isServed)
        {
            Line("No gateway that was asked may read it.");
        }

        if (!isRefused)
        {
            Line("Every gateway that was asked may read it, so none is there to refuse it.");
        }

        Line($"A {demo.OwnModel} model is the user's own: README, \"How to add a model\".");
    }

    private void Line(string text = "")
    {
        if (!any.Json)
        {
            any.Terminal.Line(text);
        }
    }
}
