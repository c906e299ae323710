using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>One output of any model.</summary>
/// <param name="Values">Row by row: numbers, true or false, or text.</param>
internal sealed record TensorAnswer(
    string Name, string Datatype, IReadOnlyList<long> Shape, IReadOnlyList<JsonValue> Values)
{
    /// <summary>A person reads no more; <c>--json</c> has all.</summary>
    private const int ShownMax = 20;

    public static IReadOnlyList<TensorAnswer> All(ModelInferResponse response) =>
        [.. response.Outputs.Select(o => new TensorAnswer(o.Name, o.Datatype, [.. o.Shape], Read(response, o)))];

    public JsonObject Json() => new()
    {
        ["name"] = Name,
        ["datatype"] = Datatype,
        ["shape"] = new JsonArray([.. Shape.Select(s => (JsonNode)s)]),
        ["data"] = new JsonArray([.. Values]),
    };

    public string Sentence() =>
        $"{Name} {Datatype} [{string.Join(',', Shape)}]: " +
        string.Join(", ", Values.Take(ShownMax).Select(v => v.ToString())) +
        (Values.Count > ShownMax ? $", ... ({Values.Count} values)" : "");

    private static IReadOnlyList<JsonValue> Read(
        ModelInferResponse response, ModelInferResponse.Types.InferOutputTensor output) => output.Datatype switch
    {
        "BYTES" => [.. Tensors.Strings(response, output.Name).Select(s => JsonValue.Create(s))],
        "BOOL" => Read<byte>(response, output, v => JsonValue.Create(v != 0)),
        "INT8" => Read<sbyte>(response, output, v => JsonValue.Create(v)),
        "INT16" => Read<short>(response, output, v => JsonValue.Create(v)),
        "INT32" => Read<int>(response, output, v => JsonValue.Create(v)),
        "INT64" => Read<long>(response, output, v => JsonValue.Create(v)),
        "UINT8" => Read<byte>(response, output, v => JsonValue.Create(v)),
        "UINT16" => Read<ushort>(response, output, v => JsonValue.Create(v)),
        "UINT32" => Read<uint>(response, output, v => JsonValue.Create(v)),
        "UINT64" => Read<ulong>(response, output, v => JsonValue.Create(v)),
        "FP16" => Read<Half>(response, output, v => Number((float)v)),
        "FP32" => Read<float>(response, output, Number),
        "FP64" => Read<double>(response, output, v => double.IsFinite(v) ? JsonValue.Create(v) : Text(v)),
        _ => throw Tensors.Malformed(response, output.Name, $"datatype {output.Datatype} is not known here"),
    };

    private static IReadOnlyList<JsonValue> Read<T>(
        ModelInferResponse response, ModelInferResponse.Types.InferOutputTensor output, Func<T, JsonValue> value)
        where T : unmanaged
    {
        ReadOnlySpan<byte> raw = Tensors.Raw(response, output.Name, output.Datatype);
        return raw.Length % Marshal.SizeOf<T>() == 0
            ? [.. MemoryMarshal.Cast<byte, T>(raw).ToArray().Select(value)]
            : throw Tensors.Malformed(response, output.Name, $"{raw.Length} bytes are no whole number of {typeof(T)}");
    }

    private static JsonValue Number(float value) => float.IsFinite(value) ? JsonValue.Create(value) : Text(value);

    /// <summary>JSON has no infinity and no NaN.</summary>
    private static JsonValue Text(double value) => JsonValue.Create(value.ToString(CultureInfo.InvariantCulture));
}
