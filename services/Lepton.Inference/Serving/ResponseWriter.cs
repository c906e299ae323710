using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>
/// Writes an answer. Always raw, as Triton does: contents go out as ONNX Runtime left them in its memory.
/// </summary>
internal static class ResponseWriter
{
    public const string ProviderKey = "x-lepton-provider";

    /// <summary>The message refers to the tensors' memory: dispose them after it was sent, not before.</summary>
    public static ModelInferResponse Write(ModelInferRequest request, ServedModel model, IReadOnlyList<Tensor> outputs)
    {
        var response = new ModelInferResponse
        {
            ModelName = model.Identity.Name,
            ModelVersion = model.Identity.Version.ToString(CultureInfo.InvariantCulture),
            Id = request.Id,
            Parameters = { [ProviderKey] = new InferParameter { StringParam = model.Provider } },
        };
        foreach (var output in outputs)
        {
            response.Outputs.Add(new ModelInferResponse.Types.InferOutputTensor
            {
                Name = output.Name,
                Datatype = output.Type.Name,
                Shape = { output.Shape },
            });
            response.RawOutputContents.Add(UnsafeByteOperations.UnsafeWrap(
                output.Type == TensorType.Bytes ? Packed(output.Strings) : output.Data));
        }
        return response;
    }

    private static ReadOnlyMemory<byte> Packed(IReadOnlyList<ReadOnlyMemory<byte>> strings)
    {
        var bytes = new byte[strings.Sum(s => 4 + s.Length)];
        var rest = bytes.AsSpan();
        foreach (var element in strings)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, element.Length);
            element.Span.CopyTo(rest[4..]);
            rest = rest[(4 + element.Length)..];
        }
        return bytes;
    }
}
