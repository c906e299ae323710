using System.Text.Json;
using Lepton.Inference.V1;

namespace Lepton.Inference.Pipelines.Language;

/// <summary>
/// The identifier's n-grams, in the order of its network's inputs, and its languages (ISO 639-3), in that of its
/// outputs.
/// </summary>
internal sealed record LanguageTables(IReadOnlyList<string> NGrams, IReadOnlyList<string> Languages)
{
    public static LanguageTables Read(string directory) =>
        new(List(directory, "ngrams.json"), List(directory, "languages.json"));

    private static string[] List(string directory, string file)
    {
        try
        {
            return JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(Path.Combine(directory, file))) ?? [];
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new InferenceRefusal(
                ErrorReason.ModelLoadFailed, $"the table {file} can't be read: {error.Message}", inner: error);
        }
    }
}
