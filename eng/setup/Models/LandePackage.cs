using System.Globalization;
using System.Text.Json;

namespace Lepton.Setup.Models;

/// <summary>
/// Reads npm's <c>lande</c>: a language identifier whose n-grams, languages and weights are JavaScript modules of the
/// form
/// <c>export default JSON;</c>, and writes its network (dense, relu, dense, softmax) as ONNX.
/// </summary>
internal static class LandePackage
{
    public static byte[] ToOnnx(string optionsModule)
    {
        using var options = JsonDocument.Parse(ModuleJson(optionsModule));
        var layers = options.RootElement.GetProperty("layers").EnumerateArray().ToArray();
        var features = layers[0].GetProperty("sz").GetInt32();
        var graph = new OnnxGraph("lande", opset: 17).Input("ngrams", OnnxType.Float, "batch", $"{features}");
        var (tensor, width) = ("ngrams", features);
        for (var i = 1; i < layers.Length; i++)
        {
            var output = i == layers.Length - 1 ? "probs" : $"layer{i}";
            width = Append(graph, layers[i], i, tensor, output, width);
            tensor = output;
        }
        return graph.Output("probs", OnnxType.Float, "batch", $"{width}").ToModel();
    }

    /// <summary>The JSON in a module that is only <c>export default JSON;</c>.</summary>
    public static string ModuleJson(string module)
    {
        const string prefix = "export default ";
        var text = module.Trim();
        if (!text.StartsWith(prefix, StringComparison.Ordinal))
            throw new InvalidDataException("lande: a module no longer starts with 'export default'.");
        return text[prefix.Length..].TrimEnd(';', '\n', ' ');
    }

    private static int Append(OnnxGraph graph, JsonElement layer, int index, string input, string output, int width)
    {
        switch (layer.GetProperty("type").GetString())
        {
            case "dense":
                var filters = layer.GetProperty("_filters").EnumerateArray().Select(f => Decode(f.GetString()))
                    .ToArray();
                if (filters.Any(filter => filter.Length != width))
                    throw new InvalidDataException($"lande: layer {index} does not take {width} values.");
                graph.Constant($"w{index}", filters.SelectMany(filter => filter).ToArray(), filters.Length, width);
                graph.Constant($"b{index}", Decode(layer.GetProperty("_biases").GetString()), filters.Length);
                graph.Node("Gemm", [input, $"w{index}", $"b{index}"], [output], ("transB", 1));
                return filters.Length;
            case "relu":
                graph.Node("Relu", [input], [output]);
                return width;
            case "softmax":
                graph.Node("Softmax", [input], [output], ("axis", 1));
                return width;
            case var other:
                throw new InvalidDataException($"lande: layer {index} has the unknown type '{other}'.");
        }
    }

    /// <summary>The package's 8-bit encoding: <c>1SCALE|BASE64</c>, value = (byte − 127) / scale.</summary>
    private static float[] Decode(string? encoded)
    {
        var separator = encoded?.IndexOf('|') ?? -1;
        if (encoded is null || separator < 2 || encoded[0] != '1')
            throw new InvalidDataException("lande: weights are not in the 8-bit encoding that this reads.");
        var scale = double.Parse(encoded.AsSpan(1, separator - 1), CultureInfo.InvariantCulture);
        return Array.ConvertAll(Convert.FromBase64String(encoded[(separator + 1)..]), b => (float)((b - 127) / scale));
    }
}
