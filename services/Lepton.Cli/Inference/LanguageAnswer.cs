using System.Text;
using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>The answer of the <c>language-id</c> ensemble: an ISO 639 code, and how sure it is, 0 to 1.</summary>
internal sealed record LanguageAnswer(string Language, float Confidence)
{
    public const string Model = "language-id";

    public static ModelInferRequest Request(string text) =>
        Tensors.Request(Model, "text", Encoding.UTF8.GetBytes(text));

    public static LanguageAnswer From(ModelInferResponse response)
    {
        IReadOnlyList<string> languages = Tensors.Strings(response, "language");
        float[] confidences = Tensors.Floats(response, "confidence");
        return languages is [string language] && confidences is [float confidence]
            ? new LanguageAnswer(language, confidence)
            : throw Tensors.Malformed(response, "language",
                $"{languages.Count} languages and {confidences.Length} confidences came for one text");
    }
}
