using System.Buffers.Binary;
using Google.Protobuf;
using Lepton.Inference.Tensors;
using OpenInference;
using InputTensor = OpenInference.ModelInferRequest.Types.InferInputTensor;

namespace Lepton.Inference.Serving;

/// <summary>
/// Reads a request's tensors. Raw bytes stay where the message has them; typed contents are packed once. A refusal
/// names the tensor, what came and what is expected.
/// </summary>
internal sealed class RequestReader(InferenceOptions options)
{
    public Tensor[] Read(ModelInferRequest request)
    {
        if (request.Inputs.Count > options.InputCountMax)
            throw InferenceRefusal.Input(
                "inputs", $"{request.Inputs.Count} inputs came, at most {options.InputCountMax} are taken");
        var raw = request.RawInputContents;
        if (raw.Count > 0 && raw.Count != request.Inputs.Count)
            throw InferenceRefusal.Input("raw_input_contents",
                $"{raw.Count} raw contents came for {request.Inputs.Count} inputs; there is one for each, or none");
        var tensors = new Tensor[request.Inputs.Count];
        for (var i = 0; i < tensors.Length; i++)
            tensors[i] = Read(request.Inputs[i], raw.Count > 0 ? raw[i] : null, i);
        return tensors;
    }

    private Tensor Read(InputTensor input, ByteString? raw, int index)
    {
        if (input.Parameters.ContainsKey("shared_memory_region"))
            throw InferenceErrors.NotOffered("Shared memory", "clients and nodes are on different machines");
        var type = TensorType.FromName(input.Datatype) ?? throw InferenceRefusal.Input($"inputs[{index}].datatype",
            $"input '{input.Name}': datatype '{input.Datatype}' came, one of {string.Join(", ", TensorType.All)} "
            + "is expected");
        long[] shape = [.. input.Shape];
        if (shape.Length > options.DimensionCountMax)
            throw InferenceRefusal.Input($"inputs[{index}].shape",
                $"input '{input.Name}': {shape.Length} dimensions came, at most {options.DimensionCountMax} are taken");
        var count = TensorShape.Count(shape, options.RequestBytesMax) ?? throw InferenceRefusal.Input(
            $"inputs[{index}].shape",
            $"input '{input.Name}': shape {TensorShape.Text(shape)} came; dimensions are not negative and hold at most "
            + $"{options.RequestBytesMax} elements");
        if (raw is null)
            return TypedContents.Read(input, type, shape, count, index);
        if (input.Contents is not null && input.Contents.CalculateSize() > 0)
            throw InferenceRefusal.Input($"inputs[{index}].contents",
                $"input '{input.Name}': typed contents came beside raw_input_contents; a request uses one of them");
        return type == TensorType.Bytes
            ? Tensor.Of(input.Name, shape, Strings(input.Name, raw.Memory, count, index))
            : Tensor.Of(input.Name, type, shape, Raw(input.Name, type, shape, raw.Memory, count, index));
    }

    private static ReadOnlyMemory<byte> Raw(
        string name, TensorType type, long[] shape, ReadOnlyMemory<byte> bytes, long count, int index)
    {
        if (bytes.Length != count * type.Size)
            throw InferenceRefusal.Input($"raw_input_contents[{index}]", $"input '{name}': {bytes.Length} bytes came, "
                + $"{count * type.Size} are expected for {type} {TensorShape.Text(shape)}");
        if (type == TensorType.Bool && bytes.Span.IndexOfAnyExceptInRange((byte)0, (byte)1) is >= 0 and var at)
            throw InferenceRefusal.Input($"raw_input_contents[{index}]",
                $"input '{name}': byte {at} of a BOOL tensor is {bytes.Span[at]}, 0 or 1 is expected");
        return bytes;
    }

    /// <summary>Elements of a BYTES tensor: each a little-endian 32-bit length and that many bytes.</summary>
    private static ReadOnlyMemory<byte>[] Strings(string name, ReadOnlyMemory<byte> bytes, long count, int index)
    {
        // Each element takes four bytes at least, so that a claimed count alone allocates nothing.
        if (count > bytes.Length / 4)
            throw Wrong(0);
        var strings = new ReadOnlyMemory<byte>[count];
        var rest = bytes;
        for (var i = 0; i < strings.Length; i++)
        {
            if (rest.Length < 4)
                throw Wrong(i);
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest.Span);
            if (length > (uint)(rest.Length - 4))
                throw Wrong(i);
            strings[i] = rest.Slice(4, (int)length);
            rest = rest[(4 + (int)length)..];
        }
        return rest.IsEmpty ? strings : throw InferenceRefusal.Input($"raw_input_contents[{index}]",
            $"input '{name}': {rest.Length} bytes are left over after {count} BYTES elements");

        InferenceRefusal Wrong(int element) => InferenceRefusal.Input($"raw_input_contents[{index}]",
            $"input '{name}': {bytes.Length} bytes came that end inside element {element}; {count} BYTES elements are "
            + "expected, each a 4-byte little-endian length and its bytes");
    }
}
