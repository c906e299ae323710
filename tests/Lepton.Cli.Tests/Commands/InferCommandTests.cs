using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Lepton.Cli.Tests.Gateway;
using Lepton.Cli.Tests.Inference;
using OpenInference;
using Status = Grpc.Core.Status;

namespace Lepton.Cli.Tests.Commands;

public sealed class InferCommandTests : IDisposable
{
    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public async Task InferOcr_Json_HoldsTextAndWhoServed()
    {
        await using FakeGateway gateway = await StartAsync("eu-west");
        ModelInferRequest? sent = null;
        gateway.Answers.Infer = (request, context) =>
        {
            sent = request;
            return Served(context, Responses.Ocr());
        };

        int exit = await cli.RunAsync("infer", "ocr", Image([1, 2, 3]), "--json");

        Assert.Equal(0, exit);
        using JsonDocument json = JsonDocument.Parse(cli.Output);
        JsonElement root = json.RootElement;
        Assert.Equal("INVOICE 20417\nZürich", root.GetProperty("text").GetString());
        Assert.Equal("eu-west", root.GetProperty("region").GetString());
        Assert.Equal("inference-eu-west-a", root.GetProperty("node").GetString());
        Assert.Equal("cpu", root.GetProperty("provider").GetString());
        Assert.Equal("eu-west-0123", root.GetProperty("decision_id").GetString());
        Assert.True(root.GetProperty("latency_ms").GetDouble() > 0);
        Assert.Equal(11, root.GetProperty("lines")[0].GetProperty("box")[1][0].GetDouble());
        Assert.Equal([3, 0, 0, 0, 1, 2, 3], sent!.RawInputContents.Single().ToByteArray());
    }

    [Fact]
    public async Task InferLanguage_Options_TravelAsMetadataWithDeadlineTraceAndTenant()
    {
        await using FakeGateway gateway = await StartAsync("eu-west");
        cli.ShowTenant("acme");
        gateway.Answers.Infer = (_, context) => Served(context, Responses.Language("deu", 0.93f));

        int exit = await cli.RunAsync("infer", "language", "Guten Tag", "--data-class", "eu-personal", "--priority",
            "batch", "--strategy", "weighted", "--tags", "step=2", "--timeout", "70", "--tenant", "acme");

        Assert.Equal((0, ""), (exit, cli.Error));
        Assert.StartsWith("deu (93.0 %)", cli.Output, StringComparison.Ordinal);
        Assert.Contains("inference-eu-west-a", cli.Output, StringComparison.Ordinal);
        Metadata headers = gateway.Answers.Headers!;
        Assert.Equal("eu-personal", headers.GetValue("x-lepton-data-class"));
        Assert.Equal("batch", headers.GetValue("x-lepton-priority"));
        Assert.Equal("weighted", headers.GetValue("x-lepton-strategy"));
        Assert.Equal("step=2", headers.GetValue("x-lepton-tags"));
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", headers.GetValue("traceparent")!);
        Assert.InRange(gateway.Answers.TimeLeft!.Value.TotalSeconds, 31, 70);
        Assert.Equal("CN=tenant-acme", gateway.Answers.ClientName);
    }

    [Fact]
    public async Task InferModel_RequestFile_IsSentAndItsOutputsAreShown()
    {
        await using FakeGateway gateway = await StartAsync("eu-west");
        ModelInferRequest? sent = null;
        gateway.Answers.Infer = (request, context) =>
        {
            sent = request;
            return Served(context, Responses.Create("fraud",
                ("score", "FP32", Responses.Floats(0.25f, float.NaN)),
                ("rank", "INT64", ByteString.CopyFrom(7, 0, 0, 0, 0, 0, 0, 0)),
                ("label", "BYTES", Responses.Strings("fine"))));
        };
        string file = Image("""
            {"modelName": "fraud", "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 2],
              "contents": {"fp32Contents": [1, 2.5]}}]}
            """u8.ToArray());

        Assert.Equal((0, ""), (await cli.RunAsync("infer", "model", file), cli.Error));

        Assert.Equal([1, 2.5f], sent!.Inputs[0].Contents.Fp32Contents);
        Assert.Contains("score FP32 []: 0.25, NaN", cli.Output, StringComparison.Ordinal);
        Assert.Contains("rank INT64 []: 7", cli.Output, StringComparison.Ordinal);
        Assert.Contains("label BYTES []: fine", cli.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("""{"modelName": "fraud", "speed": 3}""")]
    public async Task InferModel_NoRequestInTheFile_IsUsageAndSendsNothing(string text)
    {
        await using FakeGateway gateway = await StartAsync("eu-west");

        Assert.Equal(2, await cli.RunAsync("infer", "model", Image(System.Text.Encoding.UTF8.GetBytes(text))));
        Assert.Contains("is no ModelInferRequest", cli.Error, StringComparison.Ordinal);
        Assert.Null(gateway.Answers.Headers);
    }

    [Fact]
    public async Task Infer_RefusedByTheGateway_ShowsReasonFieldsAndAllowedGateways()
    {
        await using FakeGateway gateway = await StartAsync("us-east");
        gateway.Answers.Infer = (_, _) => throw Refusal();

        int exit = await cli.RunAsync("infer", "ocr", Image([1]), "--json");

        Assert.Equal(1, exit);
        Assert.Contains("FAILED_PRECONDITION (GATEWAY_NOT_ALLOWED)", cli.Error, StringComparison.Ordinal);
        Assert.Contains("gateway eu-west: https://127.0.0.1:7440", cli.Error, StringComparison.Ordinal);
        Assert.Contains("./lepton explain us-east-77", cli.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(cli.Output);
        JsonElement error = json.RootElement.GetProperty("error");
        Assert.Equal("GATEWAY_NOT_ALLOWED", error.GetProperty("reason").GetString());
        Assert.Equal("eu-west", error.GetProperty("metadata").GetProperty("allowed_regions").GetString());
        Assert.Equal("eu-west", error.GetProperty("preconditions")[0].GetProperty("subject").GetString());
        Assert.Equal("us-east-77", error.GetProperty("decision_id").GetString());
    }

    [Fact]
    public async Task Infer_ServerOfAnotherRegion_IsNotTrusted()
    {
        await using FakeGateway gateway = await FakeGateway.StartAsync(cli.Pki, "us-east");
        cli.WritePlatform(("eu-west", gateway.Url));

        int exit = await cli.RunAsync("infer", "language", "hello");

        Assert.Equal(3, exit);
        Assert.Null(gateway.Answers.Headers);
    }

    [Fact]
    public async Task Infer_ServerOfAnotherAuthority_IsNotTrusted()
    {
        using Lepton.Testing.TestInstallation other = new();
        await using FakeGateway gateway = await FakeGateway.StartAsync(other, "eu-west");
        cli.WritePlatform(("eu-west", gateway.Url));

        Assert.Equal(3, await cli.RunAsync("infer", "language", "hello"));
        Assert.Null(gateway.Answers.Headers);
    }

    [Fact]
    public async Task Infer_NobodyListens_SaysThatThePlatformIsDown()
    {
        cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));

        Assert.Equal(3, await cli.RunAsync("infer", "language", "hello"));
        Assert.Contains("https://127.0.0.1:1 does not answer", cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no such region", "infer", "language", "hello", "--from", "mars")]
    [InlineData("no client certificate", "infer", "language", "hello", "--tenant", "../../demo")]
    [InlineData("cannot be read", "infer", "ocr", "/no/such/file.png")]
    [InlineData("TEXT is empty", "infer", "language", "")]
    [InlineData("TEXT is empty", "infer", "language", " \n")]
    [InlineData("printable ASCII", "infer", "language", "hello", "--data-class", "")]
    [InlineData("printable ASCII", "infer", "language", "hello", "--tags", "projekt=küche")]
    [InlineData("printable ASCII", "infer", "language", "hello", "--data-class", "eu\nx: y")]
    [InlineData("more than 0", "infer", "language", "hello", "--timeout", "0")]
    public async Task Infer_WrongArgument_IsUsageAndSendsNothing(string says, params string[] args)
    {
        await using FakeGateway gateway = await StartAsync("eu-west");

        Assert.Equal(2, await cli.RunAsync(args));
        Assert.Contains(says, cli.Error, StringComparison.Ordinal);
        Assert.Null(gateway.Answers.Headers);
    }

    [Fact]
    public async Task Infer_GatewayTooSlow_FailsByDeadline()
    {
        await using FakeGateway gateway = await StartAsync("eu-west");
        gateway.Answers.Infer = (_, context) =>
        {
            context.CancellationToken.WaitHandle.WaitOne();
            throw new RpcException(new Status(StatusCode.Cancelled, ""));
        };

        Assert.Equal(1, await cli.RunAsync("infer", "language", "hello", "--timeout", "0.3"));
        Assert.Contains("DEADLINE_EXCEEDED", cli.Error, StringComparison.Ordinal);
    }

    private async Task<FakeGateway> StartAsync(string region)
    {
        FakeGateway gateway = await FakeGateway.StartAsync(cli.Pki, region);
        cli.WritePlatform((region, gateway.Url));
        return gateway;
    }

    private string Image(byte[] bytes)
    {
        string file = Path.Combine(cli.Home, "image.png");
        File.WriteAllBytes(file, bytes);
        return file;
    }

    private static ModelInferResponse Served(ServerCallContext context, ModelInferResponse response)
    {
        context.ResponseTrailers.Add("x-lepton-decision-id", "eu-west-0123");
        context.ResponseTrailers.Add("x-lepton-region", "eu-west");
        context.ResponseTrailers.Add("x-lepton-node", "inference-eu-west-a");
        context.ResponseTrailers.Add("x-lepton-provider", "cpu");
        return response;
    }

    private static RpcException Refusal()
    {
        Google.Rpc.Status status = new()
        {
            Code = (int)StatusCode.FailedPrecondition,
            Details =
            {
                Any.Pack(new ErrorInfo
                {
                    Reason = "GATEWAY_NOT_ALLOWED", Domain = "lepton", Metadata = { ["allowed_regions"] = "eu-west" },
                }),
                Any.Pack(new PreconditionFailure
                {
                    Violations =
                    {
                        new PreconditionFailure.Types.Violation
                        {
                            Type = "gateway", Subject = "eu-west", Description = "https://127.0.0.1:7440",
                        },
                    },
                }),
            },
        };
        Metadata trailers = new()
        {
            { "grpc-status-details-bin", status.ToByteArray() },
            { "x-lepton-decision-id", "us-east-77" },
        };
        return new RpcException(new Status(StatusCode.FailedPrecondition, "This gateway may not read it."), trailers);
    }
}
