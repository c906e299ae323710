using System.Text.Json;
using Grpc.Core;
using Lepton.Cli.Platform;
using Lepton.Cli.Tests.Gateway;
using Lepton.Cli.Tests.Inference;
using Lepton.Routing.V1;

namespace Lepton.Cli.Tests.Commands;

public sealed class DemoCommandTests : IDisposable
{
    private static readonly byte[] document = [1, 2, 3];

    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public async Task Demo_AllowedAndOtherGateway_TellsTextPlaceReasonAndRefusal()
    {
        await using FakeGateway east = await StartAsync("us-east");
        await using FakeGateway asia = await StartAsync("ap-southeast");
        Prepare("finance", ("ap-southeast", asia), ("us-east", east));
        ModelOf(east);
        asia.Answers.Infer = (_, context) => throw Refusal(context);
        asia.Answers.Explain = request => new ExplainDecisionResponse
        {
            Decision = new Decision { Id = request.DecisionId, Reason = "GATEWAY_NOT_ALLOWED", RequestBytesRead = 0 },
        };

        Assert.Equal((0, ""), (await cli.RunAsync("demo", "finance"), cli.Error));

        Assert.Contains("atlantic-finance, which may be processed in us-east", cli.Output, StringComparison.Ordinal);
        Assert.Contains("    INVOICE 20417", cli.Output, StringComparison.Ordinal);
        Assert.Contains("Read by ocr 1 on inference-us-east-a in us-east (cpu)", cli.Output, StringComparison.Ordinal);
        Assert.Matches("router of ap-southeast +ap-southeast +region not allowed", cli.Output);
        Assert.Contains("at the gateway in ap-southeast:", cli.Output, StringComparison.Ordinal);
        Assert.Contains("This gateway may not read it.", cli.Output, StringComparison.Ordinal);
        Assert.Contains("0 bytes of the document were read", cli.Output, StringComparison.Ordinal);
        Assert.Equal("CN=tenant-harbour-bank", east.Answers.ClientName);
        Assert.Null(east.Answers.Headers!.GetValue("x-lepton-data-class")); // the tenant's floor says it
    }

    [Fact]
    public async Task Demo_Json_IsOneObject()
    {
        await using FakeGateway east = await StartAsync("us-east");
        Prepare("medical", ("us-east", east));
        ModelOf(east);

        Assert.Equal(0, await cli.RunAsync("demo", "medical", "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        JsonElement served = json.RootElement.GetProperty("served");
        Assert.StartsWith("INVOICE 20417", served.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("us-east", served.GetProperty("region").GetString());
        Assert.Equal(2, served.GetProperty("decision").GetProperty("attempts")[0].GetProperty("candidates")
            .GetArrayLength());
        Assert.False(json.RootElement.TryGetProperty("refused", out _));
    }

    [Fact]
    public async Task Demo_GatewayThatMayNotReadItAnswers_Fails()
    {
        await using FakeGateway asia = await StartAsync("ap-southeast");
        Prepare("logistics", ("ap-southeast", asia));
        ModelOf(asia);

        Assert.Equal(1, await cli.RunAsync("demo", "logistics"));
        Assert.Contains("ap-southeast may not read this document and did", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_OnlyAGatewayThatRefuses_IsToldAndIsAFailure()
    {
        await using FakeGateway asia = await StartAsync("ap-southeast");
        Prepare("finance", ("ap-southeast", asia));
        ModelOf(asia);
        asia.Answers.Infer = (_, context) => throw Refusal(context);

        Assert.Equal((1, ""), (await cli.RunAsync("demo", "finance", "--from", "ap-southeast"), cli.Error));
        Assert.Contains("No gateway that was asked may read it.", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Demo_NothingDrawn_SaysWhatDrawsIt()
    {
        await using FakeGateway east = await StartAsync("us-east");
        cli.WritePlatform(("us-east", east.Url));
        cli.ShowTenant("harbour-bank");

        Assert.Equal(2, await cli.RunAsync("demo", "finance"));
        Assert.Contains("./lepton setup", cli.Error, StringComparison.Ordinal);
        Assert.Null(east.Answers.Headers);
    }

    [Fact]
    public async Task Demo_GatewayDown_NamesItAndTheInstance()
    {
        await using FakeGateway east = await StartAsync("us-east");
        PlatformFile platform = Prepare("finance", ("us-east", east)) with { Instance = "two" };
        PlatformRegion dead = platform.Regions[0] with { Name = "eu-west", GatewayUrls = ["https://127.0.0.1:1"] };
        Instance instance = cli.Installation.Instance("two");
        Directory.CreateDirectory(instance.Folder);
        (platform with { Regions = [dead, .. platform.Regions] }).Write(instance.PlatformFile);

        Assert.Equal(3, await cli.RunAsync("demo", "finance", "--instance", "two"));
        Assert.Contains("https://127.0.0.1:1 does not answer", cli.Error, StringComparison.Ordinal);
        Assert.Contains("./lepton status --instance two", cli.Error, StringComparison.Ordinal);
    }

    private Task<FakeGateway> StartAsync(string region) => FakeGateway.StartAsync(cli.Pki, region);

    private PlatformFile Prepare(string demo, params (string Region, FakeGateway Gateway)[] gateways)
    {
        string file = cli.Installation.Sample(demo);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, document);
        foreach (string tenant in new[] { "harbour-bank", "lakeside-clinic", "lion-parcels" })
            cli.ShowTenant(tenant);
        foreach ((_, FakeGateway gateway) in gateways)
        {
            gateway.Answers.Plan = _ => new PlanRouteResponse
            {
                Decision = new Decision { Tenant = "harbour-bank", DataClass = "atlantic-finance" },
                AllowedGateways = { new Region { Name = "us-east" } },
            };
        }

        return cli.WritePlatform([.. gateways.Select(g => (g.Region, g.Gateway.Url))]);
    }

    private static void ModelOf(FakeGateway gateway)
    {
        gateway.Answers.Infer = (request, context) =>
        {
            Assert.Equal([3, 0, 0, 0, .. document], request.RawInputContents.Single().ToByteArray());
            context.ResponseTrailers.Add("x-lepton-decision-id", "us-east-1");
            context.ResponseTrailers.Add("x-lepton-region", "us-east");
            context.ResponseTrailers.Add("x-lepton-node", "inference-us-east-a");
            context.ResponseTrailers.Add("x-lepton-provider", "cpu");
            return Responses.Ocr();
        };
        gateway.Answers.Explain = request => new ExplainDecisionResponse
        {
            Decision = new Decision
            {
                Id = request.DecisionId,
                Attempts =
                {
                    new Attempt
                    {
                        Number = 1,
                        Node = "inference-us-east-a",
                        Candidates =
                        {
                            new Candidate { Node = "inference-us-east-a", Region = "us-east" },
                            new Candidate { Region = "ap-southeast", Exclusion = ExclusionReason.RegionNotAllowed },
                        },
                    },
                },
            },
        };
    }

    private static RpcException Refusal(ServerCallContext context)
    {
        context.ResponseTrailers.Add("x-lepton-decision-id", "ap-southeast-7");
        return new RpcException(new Status(StatusCode.FailedPrecondition, "This gateway may not read it."));
    }
}
