using System.Globalization;
using Google.Rpc;
using Grpc.Core;
using Lepton.Routing.V1;

namespace Lepton.ServiceDefaults.Tests;

[Collection("server")]
public sealed class ErrorTests(ServerFixture server) : IDisposable
{
    private readonly Grpc.Net.Client.GrpcChannel channel =
        server.Installation.Channel(server.Address, server.Installation.Tenant("demo"));

    private RoutingService.RoutingServiceClient Client => new(channel);

    public void Dispose() => channel.Dispose();

    [Fact]
    public async Task Call_Unforeseen_InternalWithoutText()
    {
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await Client.ListModelsAsync(new ListModelsRequest()));
        Assert.Equal(StatusCode.Internal, e.StatusCode);
        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
        Assert.Equal("INTERNAL", RpcErrors.ReasonOf(e));
    }

    [Fact]
    public async Task Call_WrongService_PermissionDeniedWithReason()
    {
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await Client.ListRegionsAsync(new ListRegionsRequest()));
        Assert.Equal(StatusCode.PermissionDenied, e.StatusCode);
        var info = RpcErrors.DetailsOf(e)!.Details.Single(d => d.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>();
        Assert.Equal(("CALLER_NOT_ALLOWED", "lepton"), (info.Reason, info.Domain));
        Assert.Equal("tenant/demo", info.Metadata["caller"]);
    }

    [Fact]
    public async Task Call_DeadlinePasses_DeadlineExceeded()
    {
        var e = await Assert.ThrowsAsync<RpcException>(async () =>
            await Client.PlanRouteAsync(new PlanRouteRequest(), deadline: DateTime.UtcNow.AddMilliseconds(100)));
        Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
    }

    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("100%", "100%25")]
    [InlineData("é\n", "%C3%A9%0A")]
    public void PercentEncode_Message_AsGrpcSays(string message, string encoded) =>
        Assert.Equal(encoded, RpcErrorWriter.PercentEncode(message));

    [Theory]
    [InlineData("short", "short")]
    [InlineData("999*a|\U0001F600", "999*a|... (1001 characters)")]
    [InlineData("998*a|\U0001F600b", "998*a|\U0001F600... (1001 characters)")]
    public void Clip_Text_IsCutBetweenCharacters(string text, string cut) =>
        Assert.Equal(Repeat(cut), RpcErrors.Clip(Repeat(text)));

    private static string Repeat(string text) => text.Split('*', '|') is [var times, var of, var rest]
        ? string.Concat(Enumerable.Repeat(of, int.Parse(times, CultureInfo.InvariantCulture))) + rest
        : text;

    [Fact]
    public void FieldInvalid_Field_IsNamed()
    {
        var e = RpcErrors.FieldInvalid("page_size", "0 to 1,000, got -1");
        var bad = RpcErrors.DetailsOf(e)!.Details.Single(d => d.Is(BadRequest.Descriptor)).Unpack<BadRequest>();
        Assert.Equal("page_size", bad.FieldViolations.Single().Field);
        Assert.Equal(StatusCode.InvalidArgument, e.StatusCode);
    }
}
