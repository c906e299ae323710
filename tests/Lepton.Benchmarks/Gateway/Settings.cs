using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Lepton.Routing.Gateway;
using OpenInference;

namespace Lepton.Benchmarks.Gateway;

/// <summary>What all processes of the bench agree on.</summary>
internal static class Settings
{
    public const string Region = "eu-west";
    public const string Node = "inference-eu-west-a";
    public const string Model = "ocr";
    public const string Path = "/inference.GRPCInferenceService/ModelInfer";
    public const string Address = "127.0.0.1";
    public const int TokenCount = 100;

    /// <summary>Of the node and the load generator.</summary>
    public static readonly IReadOnlyDictionary<string, string> Environment = new Dictionary<string, string>();

    /// <summary>Opaque tokens as long as a reference token; all processes make the same.</summary>
    public static string[] Tokens() => [.. Enumerable.Range(0, TokenCount).Select(i => Convert.ToHexStringLower(
        SHA256.HashData(Encoding.ASCII.GetBytes($"bench gateway token {i}")))[..48])];

    public static string Tenant(int token) => $"tenant-{token:D3}";

    /// <summary>A request and an answer of 1 kB each, framed as gRPC has it.</summary>
    public static byte[] RequestFrame() => Frame(new ModelInferRequest
    {
        ModelName = Model,
        Id = "1",
        Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = "x", Datatype = "UINT8", Shape = { 960 } } },
        RawInputContents = { ByteString.CopyFrom(new byte[960]) },
    });

    public static byte[] AnswerFrame() => Frame(new ModelInferResponse
    {
        ModelName = Model,
        ModelVersion = "1",
        Id = "1",
        Outputs =
        {
            new ModelInferResponse.Types.InferOutputTensor { Name = "y", Datatype = "UINT8", Shape = { 960 } },
        },
        RawOutputContents = { ByteString.CopyFrom(new byte[960]) },
    });

    private static byte[] Frame(IMessage message)
    {
        using PooledMessage frame = new(message.CalculateSize());
        frame.Append(new(message.ToByteArray()));
        return frame.Frame.ToArray();
    }
}
