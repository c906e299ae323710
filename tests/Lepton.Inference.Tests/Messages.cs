using System.Buffers.Binary;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Lepton.ServiceDefaults;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>Requests and answers in few words.</summary>
internal static class Messages
{
    public static ModelInferRequest Request(
        string model, params (string Name, string Type, long[] Shape, byte[] Raw)[] inputs)
    {
        var request = new ModelInferRequest { ModelName = model, Id = "id-1" };
        foreach (var (name, type, shape, raw) in inputs)
        {
            request.Inputs.Add(
                new ModelInferRequest.Types.InferInputTensor { Name = name, Datatype = type, Shape = { shape } });
            request.RawInputContents.Add(ByteString.CopyFrom(raw));
        }
        return request;
    }

    public static ModelInferRequest Typed(
        string model, string name, string type, long[] shape, InferTensorContents contents) =>
        new()
        {
            ModelName = model,
            Inputs =
            {
                new ModelInferRequest.Types.InferInputTensor
                    { Name = name, Datatype = type, Shape = { shape }, Contents = contents },
            },
        };

    /// <summary>BYTES elements as they lie in raw contents.</summary>
    public static byte[] Packed(params byte[][] elements)
    {
        var bytes = new List<byte>();
        foreach (var element in elements)
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, element.Length);
            bytes.AddRange(length);
            bytes.AddRange(element);
        }
        return [.. bytes];
    }

    public static byte[][] Unpacked(ByteString raw)
    {
        var elements = new List<byte[]>();
        var rest = raw.Span;
        while (!rest.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            elements.Add(rest.Slice(4, length).ToArray());
            rest = rest[(4 + length)..];
        }
        return [.. elements];
    }

    public static ByteString Output(this ModelInferResponse response, string name)
    {
        var index = response.Outputs.Select(o => o.Name).ToList().IndexOf(name);
        Assert.True(index >= 0, $"no output {name}");
        return response.RawOutputContents[index];
    }

    public static string[] Strings(this ModelInferResponse response, string name) =>
        [.. Unpacked(response.Output(name)).Select(System.Text.Encoding.UTF8.GetString)];

    public static float[] Floats(this ModelInferResponse response, string name) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(response.Output(name).Span).ToArray();

    /// <summary>The call fails with this status and documented reason.</summary>
    public static async Task<RpcException> RefusedAsync<T>(AsyncUnaryCall<T> call, StatusCode status, string reason)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((status, reason), (error.StatusCode, RpcErrors.ReasonOf(error) ?? error.Status.Detail));
        return error;
    }

    /// <summary>The fields that BadRequest names.</summary>
    public static string[] Fields(this RpcException error) =>
        [.. (RpcErrors.DetailsOf(error)?.Details ?? []).Where(d => d.Is(BadRequest.Descriptor))
            .SelectMany(d => d.Unpack<BadRequest>().FieldViolations).Select(v => v.Field)];
}
