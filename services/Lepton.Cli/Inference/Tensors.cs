using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>
/// Tensors in the raw form of the Open Inference Protocol: little-endian, row-major, each element of a BYTES tensor
/// behind its length as a uint32.
/// </summary>
internal static class Tensors
{
    public static ModelInferRequest Request(string model, string input, ReadOnlySpan<byte> element)
    {
        byte[] raw = new byte[sizeof(uint) + element.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(raw, (uint)element.Length);
        element.CopyTo(raw.AsSpan(sizeof(uint)));
        return new ModelInferRequest
        {
            ModelName = model,
            Inputs =
            {
                new ModelInferRequest.Types.InferInputTensor { Name = input, Datatype = "BYTES", Shape = { 1 } },
            },
            RawInputContents = { UnsafeByteOperations.UnsafeWrap(raw) },
        };
    }

    public static IReadOnlyList<string> Strings(ModelInferResponse response, string output)
    {
        ReadOnlySpan<byte> raw = Raw(response, output, "BYTES");
        List<string> strings = [];
        while (raw.Length > 0)
        {
            if (raw.Length < sizeof(uint) || BinaryPrimitives.ReadUInt32LittleEndian(raw) > raw.Length - sizeof(uint))
            {
                throw Malformed(response, output, "a length points beyond its end");
            }

            int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(raw);
            strings.Add(Encoding.UTF8.GetString(raw.Slice(sizeof(uint), length)));
            raw = raw[(sizeof(uint) + length)..];
        }

        return strings;
    }

    public static float[] Floats(ModelInferResponse response, string output)
    {
        ReadOnlySpan<byte> raw = Raw(response, output, "FP32");
        if (raw.Length % sizeof(float) != 0)
        {
            throw Malformed(response, output, $"{raw.Length} bytes are no whole number of FP32");
        }

        float[] floats = new float[raw.Length / sizeof(float)];
        for (int i = 0; i < floats.Length; i++)
        {
            floats[i] = BinaryPrimitives.ReadSingleLittleEndian(raw[(i * sizeof(float))..]);
        }

        return floats;
    }

    public static CommandFailure Malformed(ModelInferResponse response, string output, string what) =>
        new(ExitCode.Failed, $"The answer of model {response.ModelName} cannot be read: output '{output}': {what}.");

    public static ReadOnlySpan<byte> Raw(ModelInferResponse response, string output, string datatype)
    {
        for (int i = 0; i < response.Outputs.Count && i < response.RawOutputContents.Count; i++)
        {
            if (response.Outputs[i].Name == output)
            {
                return response.Outputs[i].Datatype == datatype
                    ? response.RawOutputContents[i].Span
                    : throw Malformed(response, output, $"{response.Outputs[i].Datatype} came, {datatype} is expected");
            }
        }

        throw Malformed(response, output, "it is missing");
    }
}
