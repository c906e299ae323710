using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Lepton.Routing.Gateway;
using Lepton.Routing.Tests.World;

namespace Lepton.Routing.Tests.Gateway;

/// <summary>What is on the wire, seen by a plain HTTP/2 client.</summary>
public sealed class ProtocolTests
{
    private static byte[] Frame(IMessage message, byte flag = 0, int? announced = null)
    {
        byte[] body = message.ToByteArray();
        byte[] frame = [flag, 0, 0, 0, 0, .. body];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), announced ?? body.Length);
        return frame;
    }

    private static async Task<HttpResponseMessage> PostAsync(
        TestWorld world, byte[] body, string type = "application/grpc", string method = "ModelInfer")
    {
        using HttpMessageInvoker client = new(world.Installation.Handler(world.Installation.Tenant("demo")));
        using HttpRequestMessage request = new(HttpMethod.Post,
            $"{world["eu-west"].Url}/inference.GRPCInferenceService/{method}")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } },
        };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        HttpResponseMessage response = await client.SendAsync(request, CancellationToken.None);
        await response.Content.LoadIntoBufferAsync();
        return response;
    }

    [Fact]
    public async Task Post_OtherContentType_Is415()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        using HttpResponseMessage response = await PostAsync(world, Frame(TestWorld.Ask("ocr")), "application/json");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task Post_Answered_HasItsStatusInTrailersAndTheBytesUntouched()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        // Fields in an order and with an unknown field that no serialiser of ours would write.
        byte[] body = [.. Convert.FromHexString("1A026964"), 0xA2, 0x06, 0x02, 0x01, 0x02,
            .. Convert.FromHexString("0A036F6372")];
        byte[] frame = [0, 0, 0, 0, (byte)body.Length, .. body];
        byte[]? got = null;
        node.Infer = (request, _) =>
        {
            got = request.ToByteArray();
            return Task.FromResult(new OpenInference.ModelInferResponse { Id = request.Id });
        };
        using HttpResponseMessage response = await PostAsync(world, frame);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("grpc-status"));
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal("node-a", response.TrailingHeaders.GetValues("x-lepton-node").Single());
        Assert.NotNull(got);
        Assert.Contains("A2060201", Convert.ToHexString(got), StringComparison.Ordinal); // kept as unknown
        Assert.Equal([0, 0, 0, 0, 4, 0x1A, 2, (byte)'i', (byte)'d'], await response.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("cut", "3", "MESSAGE_MALFORMED")]
    [InlineData("twice", "3", "MESSAGE_MALFORMED")]
    [InlineData("empty", "3", "MESSAGE_MALFORMED")]
    [InlineData("flag", "3", "MESSAGE_MALFORMED")]
    [InlineData("compressed", "12", "ENCODING_NOT_OFFERED")]
    [InlineData("not protobuf", "3", "MESSAGE_MALFORMED")]
    public async Task Post_DamagedBody_IsRefusedTrailersOnly(string damage, string status, string reason)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        byte[] good = Frame(TestWorld.Ask("ocr"));
        byte[] body = damage switch
        {
            "cut" => Frame(TestWorld.Ask("ocr"), announced: 500),
            "twice" => [.. good, .. good],
            "empty" => [],
            "flag" => Frame(TestWorld.Ask("ocr"), flag: 7),
            "compressed" => Frame(TestWorld.Ask("ocr"), flag: 1),
            _ => [0, 0, 0, 0, 3, 0xFF, 0xFF, 0xFF],
        };
        using HttpResponseMessage response = await PostAsync(world, body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, response.Headers.GetValues("grpc-status").Single());
        byte[] details = Convert.FromBase64String(response.Headers.GetValues("grpc-status-details-bin").Single());
        Assert.Contains(reason, System.Text.Encoding.ASCII.GetString(details), StringComparison.Ordinal);
        Assert.True(response.Headers.Contains("x-lepton-decision-id"));
        if (damage == "compressed")
            Assert.Equal("identity", response.Headers.GetValues("grpc-accept-encoding").Single());
        Assert.Empty(node.Assertions);
    }

    [Fact]
    public async Task ModelInfer_Traced_TheNodeIsInTheSameTrace()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west", "us-east"]);
        FakeNode far = await world.AddNodeAsync("us-east", "far", "ocr");
        await world.SeesAsync("eu-west", "us-east", "ocr");
        using Activity activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C).Start();
        activity.ActivityTraceFlags = ActivityTraceFlags.Recorded;
        await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        string parent = Assert.Single(far.Received).GetValue("traceparent") ?? "";
        Assert.Contains(activity.TraceId.ToString(), parent, StringComparison.Ordinal);
        Assert.DoesNotContain(activity.SpanId.ToString(), parent, StringComparison.Ordinal); // by way of our spans
    }

    [Fact]
    public void PooledMessage_SharedAfterItsEnd_IsRefused()
    {
        PooledMessage message = new(10);
        PooledMessage shared = message.Share();
        message.Dispose();
        Assert.Equal(PooledMessage.PrefixBytes, shared.Frame.Length); // still there for the other user
        shared.Dispose();
        Assert.Throws<ObjectDisposedException>(message.Share);
    }
}
