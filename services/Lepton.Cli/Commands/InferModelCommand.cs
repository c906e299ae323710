using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Lepton.Cli.Inference;
using OpenInference;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton infer model FILE</c>: any model's answer to a request of the Open Inference Protocol.</summary>
internal static class InferModelCommand
{
    public static Command Create(Session session)
    {
        Argument<string> file = new("FILE")
        {
            Description = "A ModelInferRequest of the Open Inference Protocol, as protobuf's JSON.",
        };
        RequestOptions options = new();
        Command command = new("model", "Have any model answer a request from a file.") { file };
        options.AddTo(command, tags: true);
        return new GatewayCommand(session).Complete(command, async (parse, call, cancellation) =>
        {
            ModelInferRequest request = await ReadAsync(parse.GetRequiredValue(file), cancellation);
            (ModelInferResponse response, Served served) =
                await call.InferAsync("lepton infer model", request, options.Headers(parse));
            Show(call, TensorAnswer.All(response), served);
            return ExitCode.Ok;
        });
    }

    private static async Task<ModelInferRequest> ReadAsync(string file, CancellationToken cancellation)
    {
        string text = Encoding.UTF8.GetString(await InferCommand.ReadAsync(file, cancellation));
        try
        {
            return JsonParser.Default.Parse<ModelInferRequest>(text);
        }
        catch (Exception e) when (e is InvalidJsonException or InvalidProtocolBufferException)
        {
            throw new CommandFailure(ExitCode.Usage, $"{file} is no ModelInferRequest: {e.Message}");
        }
    }

    private static void Show(GatewayCall call, IReadOnlyList<TensorAnswer> outputs, Served served)
    {
        if (call.Json)
        {
            JsonObject json = new() { ["outputs"] = new JsonArray([.. outputs.Select(o => o.Json())]) };
            served.AddTo(json);
            call.Terminal.Json(json);
            return;
        }

        foreach (TensorAnswer output in outputs)
        {
            call.Terminal.Line(output.Sentence());
        }

        call.Terminal.Line();
        call.Terminal.Line(served.Sentence());
    }
}
