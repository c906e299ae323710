using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Inference;
using OpenInference;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton infer</c>: the text of an image, the language of a text, or any model.</summary>
internal static class InferCommand
{
    public static Command Create(Session session) => new("infer", "Have a model answer.")
    {
        Ocr(session),
        Language(session),
        InferModelCommand.Create(session),
    };

    private static Command Ocr(Session session)
    {
        Argument<string> file = new("FILE") { Description = "A PNG or JPEG image." };
        RequestOptions request = new();
        Command command = new("ocr", "Read the text in an image.") { file };
        request.AddTo(command, tags: true);
        return new GatewayCommand(session).Complete(command, async (parse, call, cancellation) =>
        {
            byte[] image = await ReadAsync(parse.GetRequiredValue(file), cancellation);
            (ModelInferResponse response, Served served) =
                await call.InferAsync("lepton infer ocr", OcrAnswer.Request(image), request.Headers(parse));
            Show(call, OcrAnswer.From(response), served);
            return ExitCode.Ok;
        });
    }

    private static Command Language(Session session)
    {
        Argument<string> text = new("TEXT") { Description = "The text; - reads it from standard input." };
        RequestOptions request = new();
        Command command = new("language", "Tell a text's language.") { text };
        request.AddTo(command, tags: true);
        return new GatewayCommand(session).Complete(command, async (parse, call, cancellation) =>
        {
            string given = parse.GetRequiredValue(text);
            string words = given == "-" ? await Console.In.ReadToEndAsync(cancellation) : given;
            if (string.IsNullOrWhiteSpace(words))
            {
                throw new CommandFailure(ExitCode.Usage, "TEXT is empty: at least one word is needed.");
            }

            (ModelInferResponse response, Served served) =
                await call.InferAsync("lepton infer language", LanguageAnswer.Request(words), request.Headers(parse));
            Show(call, LanguageAnswer.From(response), served);
            return ExitCode.Ok;
        });
    }

    public static async Task<byte[]> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllBytesAsync(file, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(ExitCode.Usage, $"{file} cannot be read: {e.Message}");
        }
    }

    private static void Show(GatewayCall call, OcrAnswer answer, Served served)
    {
        if (!call.Json)
        {
            call.Terminal.Line(answer.Text);
            call.Terminal.Line();
            call.Terminal.Line(served.Sentence());
            return;
        }

        JsonObject json = new()
        {
            ["text"] = answer.Text,
            ["lines"] = new JsonArray([.. answer.Lines.Select(line => new JsonObject
            {
                ["text"] = line.Text,
                ["confidence"] = Math.Round(line.Confidence, 4),
                ["box"] = new JsonArray([.. line.Box.Select(p => new JsonArray(Pixels(p.X), Pixels(p.Y)))]),
            })]),
        };
        served.AddTo(json);
        call.Terminal.Json(json);
    }

    /// <summary>A tenth of a pixel says all that a detector knows.</summary>
    private static double Pixels(float value) => Math.Round(value, 1);

    private static void Show(GatewayCall call, LanguageAnswer answer, Served served)
    {
        if (!call.Json)
        {
            call.Terminal.Line(string.Create(
                CultureInfo.InvariantCulture, $"{answer.Language} ({answer.Confidence * 100:0.0} %)"));
            call.Terminal.Line();
            call.Terminal.Line(served.Sentence());
            return;
        }

        JsonObject json = new()
        {
            ["language"] = answer.Language,
            ["confidence"] = Math.Round(answer.Confidence, 4),
        };
        served.AddTo(json);
        call.Terminal.Json(json);
    }
}
