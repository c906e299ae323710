using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using OpenInference;

namespace Lepton.Cli.Tests.Inference;

/// <summary>Answers as a node encodes them.</summary>
internal static class Responses
{
    public static ModelInferResponse Create(string model, params (string Name, string Type, ByteString Raw)[] outputs)
    {
        ModelInferResponse response = new() { ModelName = model, ModelVersion = "1" };
        foreach ((string name, string type, ByteString raw) in outputs)
        {
            response.Outputs.Add(new ModelInferResponse.Types.InferOutputTensor { Name = name, Datatype = type });
            response.RawOutputContents.Add(raw);
        }

        return response;
    }

    public static ModelInferResponse Ocr() => Create("ocr",
        ("text", "BYTES", Strings("INVOICE 20417", "Zürich")),
        ("confidence", "FP32", Floats(0.99f, 0.87f)),
        ("boxes", "FP32", Floats(1, 2, 11, 2, 11, 8, 1, 8, 1, 12, 9, 12, 9, 18, 1, 18)));

    public static ModelInferResponse Language(string language, float confidence) => Create("language-id",
        ("language", "BYTES", Strings(language)), ("confidence", "FP32", Floats(confidence)));

    public static ByteString Strings(params string[] strings)
    {
        using MemoryStream stream = new();
        byte[] length = new byte[4];
        foreach (byte[] bytes in strings.Select(Encoding.UTF8.GetBytes))
        {
            BinaryPrimitives.WriteUInt32LittleEndian(length, (uint)bytes.Length);
            stream.Write(length);
            stream.Write(bytes);
        }

        return ByteString.CopyFrom(stream.ToArray());
    }

    public static ByteString Floats(params float[] floats)
    {
        byte[] bytes = new byte[floats.Length * 4];
        for (int i = 0; i < floats.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * 4), floats[i]);
        return ByteString.CopyFrom(bytes);
    }
}
