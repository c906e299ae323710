using System.Text.Json.Nodes;
using Grpc.Core;
using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>Who served a request, from the answer's trailers.</summary>
internal sealed record Served(
    string Model, string ModelVersion, string? Region, string? Node, string? Provider, string? DecisionId,
    TimeSpan Latency)
{
    public static Served From(ModelInferResponse response, Metadata trailers, TimeSpan latency) => new(
        response.ModelName,
        response.ModelVersion,
        trailers.GetValue("x-lepton-region"),
        trailers.GetValue("x-lepton-node"),
        trailers.GetValue("x-lepton-provider"),
        trailers.GetValue("x-lepton-decision-id"),
        latency);

    public void AddTo(JsonObject json)
    {
        json["model"] = Model;
        json["model_version"] = ModelVersion;
        json["region"] = Region;
        json["node"] = Node;
        json["provider"] = Provider;
        json["decision_id"] = DecisionId;
        json["latency_ms"] = Math.Round(Latency.TotalMilliseconds, 1);
    }

    public string Sentence() =>
        $"{Model} {ModelVersion} on {Node ?? "?"} in {Region ?? "?"} ({Provider ?? "?"}), " +
        $"{Output.Amounts.Milliseconds(Latency)}; decision {DecisionId ?? "?"}";
}
