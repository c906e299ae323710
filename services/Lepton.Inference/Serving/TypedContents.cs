using System.Runtime.InteropServices;
using Google.Protobuf.Collections;
using Lepton.Inference.Tensors;
using InputTensor = OpenInference.ModelInferRequest.Types.InferInputTensor;

namespace Lepton.Inference.Serving;

/// <summary>Packs <c>contents</c>, whose integers are wider than many tensors', into the tensor's own bytes.</summary>
internal static class TypedContents
{
    public static Tensor Read(InputTensor input, TensorType type, long[] shape, long count, int index)
    {
        var contents = input.Contents ?? new();
        var field = Field(type) ?? throw InferenceRefusal.Input($"inputs[{index}].contents",
            $"input '{input.Name}': {type} has no typed contents; send it in raw_input_contents");
        foreach (var (name, length) in Lengths(contents))
        {
            if (name != field && length > 0)
                throw InferenceRefusal.Input($"inputs[{index}].contents.{name}",
                    $"input '{input.Name}': {name} came, {field} is expected for {type}");
            if (name == field && length != count)
                throw InferenceRefusal.Input(
                    $"inputs[{index}].contents.{name}", $"input '{input.Name}': {length} elements "
                    + $"came, {count} are expected for shape {TensorShape.Text(shape)}");
        }
        if (type == TensorType.Bytes)
            return Tensor.Of(input.Name, shape, [.. contents.BytesContents.Select(element => element.Memory)]);
        return Tensor.Of(
            input.Name, type, shape, Pack(contents, type, input.Name, $"inputs[{index}].contents.{field}"));
    }

    private static string? Field(TensorType type) => type.Name switch
    {
        "BOOL" => "bool_contents",
        "INT8" or "INT16" or "INT32" => "int_contents",
        "INT64" => "int64_contents",
        "UINT8" or "UINT16" or "UINT32" => "uint_contents",
        "UINT64" => "uint64_contents",
        "FP32" => "fp32_contents",
        "FP64" => "fp64_contents",
        "BYTES" => "bytes_contents",
        _ => null, // FP16 and BF16: the protocol has no field for them
    };

    private static IEnumerable<(string Name, int Length)> Lengths(OpenInference.InferTensorContents contents) =>
    [
        ("bool_contents", contents.BoolContents.Count),
        ("int_contents", contents.IntContents.Count),
        ("int64_contents", contents.Int64Contents.Count),
        ("uint_contents", contents.UintContents.Count),
        ("uint64_contents", contents.Uint64Contents.Count),
        ("fp32_contents", contents.Fp32Contents.Count),
        ("fp64_contents", contents.Fp64Contents.Count),
        ("bytes_contents", contents.BytesContents.Count),
    ];

    private static byte[] Pack(OpenInference.InferTensorContents contents, TensorType type, string name, string field)
    {
        try
        {
            return type.Name switch
            {
                "BOOL" => Bytes(contents.BoolContents),
                "INT8" => Bytes(contents.IntContents, static v => checked((sbyte)v)),
                "INT16" => Bytes(contents.IntContents, static v => checked((short)v)),
                "INT32" => Bytes(contents.IntContents),
                "INT64" => Bytes(contents.Int64Contents),
                "UINT8" => Bytes(contents.UintContents, static v => checked((byte)v)),
                "UINT16" => Bytes(contents.UintContents, static v => checked((ushort)v)),
                "UINT32" => Bytes(contents.UintContents),
                "UINT64" => Bytes(contents.Uint64Contents),
                "FP32" => Bytes(contents.Fp32Contents),
                _ => Bytes(contents.Fp64Contents),
            };
        }
        catch (OverflowException)
        {
            throw InferenceRefusal.Input(field, $"input '{name}': an element does not fit into {type}");
        }
    }

    private static byte[] Bytes<T>(RepeatedField<T> values)
        where T : unmanaged
    {
        var array = new T[values.Count];
        values.CopyTo(array, 0);
        return MemoryMarshal.AsBytes(array.AsSpan()).ToArray();
    }

    private static byte[] Bytes<TWide, T>(RepeatedField<TWide> values, Func<TWide, T> narrow)
        where T : unmanaged
    {
        var array = new T[values.Count];
        for (var i = 0; i < array.Length; i++)
            array[i] = narrow(values[i]);
        return MemoryMarshal.AsBytes(array.AsSpan()).ToArray();
    }
}
