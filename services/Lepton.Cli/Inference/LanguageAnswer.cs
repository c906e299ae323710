using System.Text;
using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>A language and how sure the model is of it, 0 to 1.</summary>
internal sealed record LanguageGuess(string Language, float Probability);

/// <summary>The answer of the <c>language-id</c> ensemble, likeliest first.</summary>
internal sealed record LanguageAnswer(IReadOnlyList<LanguageGuess> Guesses)
{
    public const string Model = "language-id";

    public static ModelInferRequest Request(string text) =>
        Tensors.Request(Model, "text", Encoding.UTF8.GetBytes(text));

    public static LanguageAnswer From(ModelInferResponse response)
    {
        IReadOnlyList<string> languages = Tensors.Strings(response, "language");
        float[] probabilities = Tensors.Floats(response, "probability");
        return probabilities.Length == languages.Count && languages.Count > 0
            ? new LanguageAnswer([.. languages.Zip(probabilities, (l, p) => new LanguageGuess(l, p))])
            : throw Tensors.Malformed(response, "probability",
                $"{probabilities.Length} probabilities came for {languages.Count} languages");
    }
}
