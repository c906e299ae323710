using Google.Protobuf;
using Grpc.Core;
using OpenInference;

namespace Lepton.Inference.Tests;

/// <summary>A wrong input is refused with the tensor's name, what came and what is expected.</summary>
[Collection("node")]
public sealed class InputErrorTests(NodeFixture fixture)
{
    private static readonly byte[] Three = new byte[12];

    [Theory]
    [InlineData(new long[] { 1, 4 }, 16, "inputs[0].shape", "shape [1,4] came, [-1,3] is expected")]
    [InlineData(new long[] { 3 }, 12, "inputs[0].shape", "shape [3] came, [-1,3] is expected")]
    [InlineData(new long[] { -1, 3 }, 12, "inputs[0].shape", "shape [-1,3] came")]
    [InlineData(new long[] { 1, 3 }, 11, "raw_input_contents[0]", "11 bytes came, 12 are expected for FP32 [1,3]")]
    [InlineData(new long[] { 1L << 40, 1L << 40 }, 12, "inputs[0].shape", "at most")]
    [InlineData(new long[] { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 4, "inputs[0].shape",
        "9 dimensions came, at most 8 are taken")]
    public async Task ModelInfer_WrongShapeOrLength_NamesWhatCameAndWhatIsExpected(
        long[] shape, int bytes, string field, string message)
    {
        var request = Messages.Request("sum", ("a", "FP32", shape, new byte[bytes]), ("b", "FP32", [1, 3], Three));

        var error = await Messages.RefusedAsync(
            fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID");

        Assert.Contains(message, error.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("'a'", error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal([field], error.Fields());
    }

    /// <summary>C1: an error goes in trailers, by a connection that tenants share; no request makes it too long for
    /// them.</summary>
    [Theory]
    [InlineData('n')]
    [InlineData('\u4E2D')]
    public async Task ModelInfer_WrongInputWithALongName_ErrorIsShort(char of)
    {
        var name = new string(of, 300_000);
        var request = Messages.Request("sum", (name, "FP32", [1, 3], Three));

        var error = await Messages.RefusedAsync(
            fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID");

        Assert.Equal(["inputs[0].name"], error.Fields());
        Assert.EndsWith(" characters)", error.Status.Detail, StringComparison.Ordinal);
        // Nine bytes a character in percent encoding, three in the details, twice.
        Assert.InRange(error.Status.Detail.Length, 1000, 1100);
        Assert.InRange(error.Trailers.Sum(t => t.IsBinary ? t.ValueBytes.Length : t.Value.Length), 2000, 8000);
    }

    [Fact]
    public async Task ModelInfer_WrongType_NamesBoth()
    {
        var request = Messages.Request("sum", ("a", "FP64", [1, 3], new byte[24]), ("b", "FP32", [1, 3], Three));

        var error = await Messages.RefusedAsync(
            fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID");

        Assert.Contains(
            "input 'a': datatype FP64 came, FP32 is expected", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfer_UnknownTypeName_ListsTheTypes()
    {
        var error = await Messages.RefusedAsync(fixture.Node.InferAsync(
            Messages.Request("sum", ("a", "FLOAT", [1, 3], Three))), StatusCode.InvalidArgument, "INPUT_INVALID");

        Assert.Contains("BF16, FP32", error.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfer_MissingDoubledOrUnknownInput_IsNamed()
    {
        var missing = Messages.Request("sum", ("a", "FP32", [1, 3], Three));
        var doubled = Messages.Request("sum", ("a", "FP32", [1, 3], Three), ("a", "FP32", [1, 3], Three));
        var unknown = Messages.Request("sum", ("a", "FP32", [1, 3], Three), ("c", "FP32", [1, 3], Three));

        Assert.Contains("'b' is missing", await DetailAsync(missing), StringComparison.Ordinal);
        Assert.Contains("'a' came twice", await DetailAsync(doubled), StringComparison.Ordinal);
        Assert.Contains("no input 'c'; it has a, b", await DetailAsync(unknown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfer_RawAndTypedMixed_IsRefused()
    {
        var both = Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4]));
        both.Inputs[0].Contents = new InferTensorContents { Fp32Contents = { 1 } };
        var tooFew = Messages.Request("sum", ("a", "FP32", [1, 3], Three), ("b", "FP32", [1, 3], Three));
        tooFew.RawInputContents.RemoveAt(1);

        Assert.Contains(
            "typed contents came beside raw_input_contents", await DetailAsync(both), StringComparison.Ordinal);
        Assert.Contains("1 raw contents came for 2 inputs", await DetailAsync(tooFew), StringComparison.Ordinal);
    }

    public static TheoryData<string, InferTensorContents, string> WrongContents => new()
    {
        { "FP16", new() { Fp32Contents = { 1 } }, "FP16 has no typed contents; send it in raw_input_contents" },
        { "BF16", new() { Fp32Contents = { 1 } }, "BF16 has no typed contents" },
        { "INT8", new() { IntContents = { 128 } }, "does not fit into INT8" },
        { "UINT16", new() { UintContents = { 65536 } }, "does not fit into UINT16" },
        { "INT64", new() { IntContents = { 1 } }, "int_contents came, int64_contents is expected for INT64" },
        { "FP32", new() { Fp32Contents = { 1, 2 } }, "2 elements came, 1 are expected for shape [1]" },
        { "FP32", new(), "0 elements came, 1 are expected" },
    };

    [Theory]
    [MemberData(nameof(WrongContents))]
    public async Task ModelInfer_WrongTypedContents_AreRefused(
        string type, InferTensorContents contents, string message) =>
        Assert.Contains(message, await DetailAsync(Messages.Typed($"id_{type}", "x", type, [1], contents)),
            StringComparison.Ordinal);

    [Theory]
    [InlineData(new byte[] { 1, 0, 0 }, "end inside element 0")]
    [InlineData(new byte[] { 5, 0, 0, 0, 1 }, "end inside element 0")]
    [InlineData(new byte[] { 255, 255, 255, 255 }, "end inside element 0")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9 }, "1 bytes are left over after 1 BYTES elements")]
    public async Task ModelInfer_MalformedStrings_AreRefused(byte[] bytes, string message) =>
        Assert.Contains(message, await DetailAsync(Messages.Request("id_BYTES", ("x", "BYTES", [1], bytes))),
            StringComparison.Ordinal);

    [Fact]
    public async Task ModelInfer_BoolOfTwo_IsRefused() =>
        Assert.Contains("byte 1 of a BOOL tensor is 2",
            await DetailAsync(Messages.Request("id_BOOL", ("x", "BOOL", [2], [1, 2]))), StringComparison.Ordinal);

    [Fact]
    public async Task ModelInfer_RequestedOutputs_AreASubsetInTheirOrder()
    {
        var request = Messages.Request("sum", ("a", "FP32", [1, 3], Three), ("b", "FP32", [1, 3], Three));
        request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "z" });
        var one = await fixture.Node.InferAsync(request);
        request.Outputs.Add(new ModelInferRequest.Types.InferRequestedOutputTensor { Name = "y" });
        var two = await fixture.Node.InferAsync(request);
        request.Outputs[0].Name = "w";

        Assert.Equal(["z"], one.Outputs.Select(o => o.Name));
        Assert.Equal(["z", "y"], two.Outputs.Select(o => o.Name));
        var error = await Messages.RefusedAsync(
            fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "OUTPUT_UNKNOWN");
        Assert.Equal(["outputs[0].name"], error.Fields());
    }

    [Fact]
    public async Task ModelInfer_UnknownModelOrVersion_IsNotFound()
    {
        var unknown = Messages.Request("nobody", ("x", "FP32", [1], new byte[4]));
        var version = Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4]));
        version.ModelVersion = "9";

        await Messages.RefusedAsync(fixture.Node.InferAsync(unknown), StatusCode.NotFound, "MODEL_UNKNOWN");
        await Messages.RefusedAsync(fixture.Node.InferAsync(version), StatusCode.NotFound, "MODEL_VERSION_UNKNOWN");
    }

    [Fact]
    public async Task ModelInfer_SharedMemory_IsNotOffered()
    {
        var request = Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4]));
        request.Inputs[0].Parameters["shared_memory_region"] = new InferParameter { StringParam = "r" };

        await Messages.RefusedAsync(fixture.Node.InferAsync(request), StatusCode.Unimplemented, "FEATURE_NOT_OFFERED");
    }

    [Fact]
    public async Task ModelInfer_MessageOverTheLimit_IsRefused()
    {
        var request = Messages.Request("id_UINT8", ("x", "UINT8", [65 << 20], new byte[65 << 20]));

        var error = await Assert.ThrowsAsync<RpcException>(async () => await fixture.Node.InferAsync(request));

        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    private async Task<string> DetailAsync(ModelInferRequest request) =>
        (await Messages.RefusedAsync(fixture.Node.InferAsync(request), StatusCode.InvalidArgument, "INPUT_INVALID"))
            .Status.Detail;
}
