using Grpc.Core;
using Lepton.Cli.Tests.Inference;
using Lepton.Routing.V1;
using OpenInference;

namespace Lepton.Cli.Tests.Gateway;

/// <summary>Which gateway a request goes to when some of them cannot take it.</summary>
public sealed class GatewayChoiceTests : IDisposable
{
    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Fact]
    public async Task Infer_OneGatewayOfTheRegionGone_GoesToTheOther()
    {
        await using FakeGateway alive = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        alive.Answers.Infer = (_, _) => Responses.Language("deu", 0.9f);
        cli.WritePlatform(("eu-west", await GoneAsync("eu-west")), ("eu-west", alive.Url));

        for (int i = 0; i < 4; i++)
            Assert.Equal((0, ""), (await cli.RunAsync("infer", "language", "Guten Tag"), cli.Error));
    }

    [Fact]
    public async Task Infer_GatewaySaysUnavailable_IsSentAgainToTheOther()
    {
        await using FakeGateway weak = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        await using FakeGateway strong = await FakeGateway.StartAsync(cli.Pki, "eu-west");
        int refused = 0;
        weak.Answers.Infer = (_, _) =>
        {
            Interlocked.Increment(ref refused);
            throw new RpcException(new Status(StatusCode.Unavailable, "this router stops"));
        };
        strong.Answers.Infer = (_, _) => Responses.Language("deu", 0.9f);
        cli.WritePlatform(("eu-west", weak.Url), ("eu-west", strong.Url));

        // Each command begins with one or the other, by chance.
        for (int i = 0; i < 40 && refused == 0; i++)
            Assert.Equal((0, ""), (await cli.RunAsync("infer", "language", "Guten Tag"), cli.Error));
        Assert.True(refused > 0);
    }

    [Fact]
    public async Task Infer_RegionGone_AsksAnAllowedOtherRegionBeforeItSends()
    {
        await using FakeGateway closed = await FakeGateway.StartAsync(cli.Pki, "ap-southeast");
        await using FakeGateway open = await FakeGateway.StartAsync(cli.Pki, "us-east");
        PlanRouteRequest? asked = null;
        open.Answers.Plan = closed.Answers.Plan = request =>
        {
            asked = request;
            return new PlanRouteResponse
            {
                Decision = new Decision(), AllowedGateways = { new Region { Name = "us-east" } },
            };
        };
        bool leaked = false;
        closed.Answers.Infer = (_, _) =>
        {
            leaked = true;
            return Responses.Language("deu", 0.9f);
        };
        open.Answers.Infer = (_, _) => Responses.Language("deu", 0.9f);
        cli.WritePlatform(
            ("eu-west", await GoneAsync("eu-west")), ("ap-southeast", closed.Url), ("us-east", open.Url));

        int exit = await cli.RunAsync(
            "infer", "language", "Guten Tag", "--from", "eu-west", "--data-class", "atlantic-finance");

        Assert.Equal(0, exit);
        Assert.StartsWith("deu", cli.Output, StringComparison.Ordinal);
        Assert.Contains("Asking us-east", cli.Error, StringComparison.Ordinal);
        Assert.Equal(("language-id", "atlantic-finance"), (asked!.Model, asked.DataClass));
        Assert.False(leaked);
    }

    [Fact]
    public async Task Infer_RegionGoneAndNoOtherAllowed_SaysThatItsGatewaysDoNotAnswer()
    {
        await using FakeGateway other = await FakeGateway.StartAsync(cli.Pki, "us-east");
        other.Answers.Plan = _ => new PlanRouteResponse
        {
            Decision = new Decision(), AllowedGateways = { new Region { Name = "eu-west" } },
        };
        string gone = await GoneAsync("eu-west");
        cli.WritePlatform(("eu-west", gone), ("us-east", other.Url));

        int exit = await cli.RunAsync("infer", "language", "Guten Tag", "--data-class", "eu-personal");

        Assert.Equal((int)ExitCode.PlatformDown, exit);
        Assert.Contains(gone, cli.Error, StringComparison.Ordinal);
    }

    /// <summary>An address where somebody was and nobody is.</summary>
    private async Task<string> GoneAsync(string region)
    {
        await using FakeGateway gone = await FakeGateway.StartAsync(cli.Pki, region);
        return gone.Url;
    }
}
