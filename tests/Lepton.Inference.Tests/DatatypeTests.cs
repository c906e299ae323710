using Google.Protobuf;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>Every element type goes through real ONNX Runtime unchanged, raw and typed.</summary>
[Collection("node")]
public sealed class DatatypeTests(NodeFixture fixture)
{
    public static TheoryData<string, int, byte[]> Raw => new()
    {
        { "BOOL", 3, [1, 0, 1] },
        { "UINT8", 3, [0, 127, 255] },
        { "INT8", 3, [0, 127, 128] },
        { "UINT16", 2, [0xff, 0xff, 1, 0] },
        { "INT16", 2, [0xff, 0x7f, 0, 0x80] },
        { "FP16", 3, [0, 0x3c, 0xff, 0x7b, 1, 0] }, // 1, the largest, the smallest
        { "BF16", 2, [0x80, 0x3f, 0x7f, 0x7f] },
        { "UINT32", 1, [0xff, 0xff, 0xff, 0xff] },
        { "INT32", 1, [0, 0, 0, 0x80] },
        { "FP32", 2, [0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f] }, // 1 and not-a-number
        { "UINT64", 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff] },
        { "INT64", 1, [0, 0, 0, 0, 0, 0, 0, 0x80] },
        { "FP64", 1, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f] },
        { "BYTES", 3, [0, 0, 0, 0, 2, 0, 0, 0, 0xff, 0, 1, 0, 0, 0, 0x41] }, // empty, not UTF-8, "A"
        { "FP32", 0, [] },
        { "BYTES", 0, [] },
    };

    [Theory]
    [MemberData(nameof(Raw))]
    public async Task ModelInfer_RawContents_ComeBackByteForByte(string type, int count, byte[] bytes)
    {
        var answer = await fixture.Node.InferAsync(Messages.Request($"id_{type}", ("x", type, [count], bytes)));

        Assert.Equal(bytes, answer.Output("y").ToByteArray());
        Assert.Equal((type, "id-1", "1"), (answer.Outputs[0].Datatype, answer.Id, answer.ModelVersion));
        Assert.Equal([count], answer.Outputs[0].Shape);
    }

    public static TheoryData<string, InferTensorContents, byte[]> Typed => new()
    {
        { "BOOL", new() { BoolContents = { true, false } }, [1, 0] },
        { "INT8", new() { IntContents = { -128, 127 } }, [0x80, 0x7f] },
        { "INT16", new() { IntContents = { -32768, 1 } }, [0, 0x80, 1, 0] },
        { "INT32", new() { IntContents = { -1, 2 } }, [0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0] },
        { "INT64", new() { Int64Contents = { -1, 1 } }, [.. Enumerable.Repeat((byte)0xff, 8), 1, 0, 0, 0, 0, 0, 0, 0] },
        { "UINT8", new() { UintContents = { 255, 0 } }, [255, 0] },
        { "UINT16", new() { UintContents = { 65535, 1 } }, [0xff, 0xff, 1, 0] },
        { "UINT32", new() { UintContents = { uint.MaxValue, 1 } }, [0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0] },
        { "UINT64", new() { Uint64Contents = { ulong.MaxValue, 1 } },
            [.. Enumerable.Repeat((byte)0xff, 8), 1, 0, 0, 0, 0, 0, 0, 0] },
        { "FP32", new() { Fp32Contents = { 1, -2 } }, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0] },
        { "FP64", new() { Fp64Contents = { 1, -2 } }, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0] },
        { "BYTES", new() { BytesContents = { ByteString.CopyFromUtf8("é"), ByteString.Empty } },
            [2, 0, 0, 0, 0xc3, 0xa9, 0, 0, 0, 0] },
    };

    [Theory]
    [MemberData(nameof(Typed))]
    public async Task ModelInfer_TypedContents_ComeBackRaw(string type, InferTensorContents contents, byte[] bytes)
    {
        var answer = await fixture.Node.InferAsync(Messages.Typed($"id_{type}", "x", type, [2], contents));

        Assert.Equal(bytes, answer.Output("y").ToByteArray());
    }

    [Fact]
    public async Task ModelInfer_UnalignedBytes_AreReadRight()
    {
        // A message cut out of a larger buffer: the doubles start at an odd address.
        byte[] buffer = [0, .. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(-2.5)];
        var tensor = Tensors.Tensor.Of("x", Tensors.TensorType.Fp64, [2], buffer.AsMemory(1));
        var model = fixture.Repository.Find("id_FP64", "");

        var outputs = await model.InferAsync(new Execution.InferenceCall { Inputs = [tensor] });

        Assert.Equal(buffer[1..], outputs[0].Data.ToArray());
    }
}
