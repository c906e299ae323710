using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using OpenInference;

namespace Lepton.EndToEnd.Tests;

/// <summary>I2: a client that knows the Open Inference Protocol and nothing of Lepton.</summary>
[Collection(PlatformCollection.Name)]
public sealed class OpenInferenceTests : IDisposable
{
    private readonly GrpcChannel channel;
    private readonly GRPCInferenceService.GRPCInferenceServiceClient client;

    public OpenInferenceTests(Platform platform)
    {
        channel = platform.Open("us-east");
        client = new GRPCInferenceService.GRPCInferenceServiceClient(channel);
    }

    private static CallOptions Options => new(deadline: DateTime.UtcNow.AddSeconds(120));

    public void Dispose() => channel.Dispose();

    [Fact]
    public async Task Server_LiveReadyMetadata_Answer()
    {
        Assert.True((await client.ServerLiveAsync(new ServerLiveRequest(), Options)).Live);
        Assert.True((await client.ServerReadyAsync(new ServerReadyRequest(), Options)).Ready);
        Assert.NotEqual("", (await client.ServerMetadataAsync(new ServerMetadataRequest(), Options)).Name);
    }

    [Fact]
    public async Task Model_ReadyMetadataConfigIndex_DescribeIt()
    {
        Assert.True((await client.ModelReadyAsync(new ModelReadyRequest { Name = "ocr_rec" }, Options)).Ready);
        ModelMetadataResponse metadata =
            await client.ModelMetadataAsync(new ModelMetadataRequest { Name = "ocr_rec" }, Options);
        ModelMetadataResponse.Types.TensorMetadata input = Assert.Single(metadata.Inputs);
        Assert.Equal(("x", "FP32"), (input.Name, input.Datatype));
        Assert.Equal([-1, 3, 48, -1], input.Shape);
        ModelConfigResponse config =
            await client.ModelConfigAsync(new ModelConfigRequest { Name = "ocr_rec" }, Options);
        Assert.Equal("ocr_rec", config.Config.Name);
        RepositoryIndexResponse index = await client.RepositoryIndexAsync(new RepositoryIndexRequest(), Options);
        Assert.Contains(index.Models, m => m is { Name: "language-id", State: "READY" });
    }

    [Fact]
    public async Task ModelInfer_RawContents_AnswerIsServedAndSaysByWhom()
    {
        using AsyncUnaryCall<ModelInferResponse> call =
            client.ModelInferAsync(Language("The parcel has not arrived yet."), Options);
        ModelInferResponse response = await call;

        Assert.Equal("language-id", response.ModelName);
        Assert.Equal("42", response.Id);
        Assert.StartsWith("en", First(response), StringComparison.Ordinal);
        Metadata trailers = call.GetTrailers();
        Assert.StartsWith("us-east-", trailers.GetValue("x-lepton-decision-id"), StringComparison.Ordinal);
        Assert.NotNull(trailers.GetValue("x-lepton-node"));
        Assert.NotNull(trailers.GetValue("x-lepton-region"));
        Assert.NotNull(trailers.GetValue("x-lepton-provider"));
    }

    [Fact]
    public async Task ModelInfer_FloatTensor_ComesBackWithShape()
    {
        ModelInferRequest request = new() { ModelName = "ocr_cls" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor
        {
            Name = "x", Datatype = "FP32", Shape = { 2, 3, 48, 192 },
        });
        request.RawInputContents.Add(ByteString.CopyFrom(new byte[2 * 3 * 48 * 192 * sizeof(float)]));

        ModelInferResponse response = await client.ModelInferAsync(request, Options);

        Assert.Equal([2, 2], Assert.Single(response.Outputs).Shape);
        Assert.Equal(2 * 2 * sizeof(float), Assert.Single(response.RawOutputContents).Length);
    }

    [Fact]
    public async Task ModelStreamInfer_OneBadAmongGood_FailsAloneAndTheStreamLivesOn()
    {
        using AsyncDuplexStreamingCall<ModelInferRequest, ModelStreamInferResponse> stream =
            client.ModelStreamInfer(Options);
        List<ModelStreamInferResponse> answers = [];
        ModelInferRequest bad = Language("x");
        bad.Inputs[0].Name = "no-such-input";
        ModelInferRequest[] requests = [Language("Guten Morgen, wie geht es?"), bad, Language("Good day.")];
        foreach (ModelInferRequest request in requests)
        {
            await stream.RequestStream.WriteAsync(request);
            Assert.True(await stream.ResponseStream.MoveNext(default));
            answers.Add(stream.ResponseStream.Current);
        }

        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(default));
        Assert.Equal(("", ""), (answers[0].ErrorMessage, answers[2].ErrorMessage));
        Assert.StartsWith("de", First(answers[0].InferResponse), StringComparison.Ordinal);
        Assert.Contains("no-such-input", answers[1].ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelInfer_WrongShape_NamesTensorWhatCameAndWhatIsExpected()
    {
        ModelInferRequest request = new() { ModelName = "ocr_cls" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor
        {
            Name = "x", Datatype = "FP32", Shape = { 1, 4, 48, 192 },
        });
        request.RawInputContents.Add(ByteString.CopyFrom(new byte[4 * 48 * 192 * sizeof(float)]));

        RpcException e = await Assert.ThrowsAsync<RpcException>(
            async () => await client.ModelInferAsync(request, Options));

        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
        Assert.Contains("x", e.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("4", e.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("3", e.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_UnknownModelAndSharedMemory_SayWhy()
    {
        ModelInferRequest unknown = Language("x");
        unknown.ModelName = "no-such-model";
        RpcException missing = await Assert.ThrowsAsync<RpcException>(
            async () => await client.ModelInferAsync(unknown, Options));
        RpcException absent = await Assert.ThrowsAsync<RpcException>(async () =>
            await client.SystemSharedMemoryStatusAsync(new SystemSharedMemoryStatusRequest(), Options));

        Assert.Equal(StatusCode.NotFound, missing.StatusCode);
        Assert.Equal(StatusCode.Unimplemented, absent.StatusCode);
    }

    private static ModelInferRequest Language(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] raw = new byte[sizeof(uint) + utf8.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(raw, (uint)utf8.Length);
        utf8.CopyTo(raw, sizeof(uint));
        ModelInferRequest request = new() { ModelName = "language-id", Id = "42" };
        request.Inputs.Add(new ModelInferRequest.Types.InferInputTensor
        {
            Name = "text", Datatype = "BYTES", Shape = { 1 },
        });
        request.RawInputContents.Add(ByteString.CopyFrom(raw));
        return request;
    }

    /// <summary>The first element of the output <c>language</c>.</summary>
    private static string First(ModelInferResponse response)
    {
        int output = response.Outputs.Select(o => o.Name).ToList().IndexOf("language");
        ReadOnlySpan<byte> raw = response.RawOutputContents[output].Span;
        int length = (int)BinaryPrimitives.ReadUInt32LittleEndian(raw);
        return Encoding.UTF8.GetString(raw.Slice(sizeof(uint), length));
    }
}
