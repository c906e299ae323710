using System.Security.Claims;
using Grpc.Core;
using Lepton.Routing.V1;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: what an authority takes back is refused within seconds, though it was cached.</summary>
[Collection("server")]
public sealed class RevocationTests : TokenServer
{
    [Theory]
    [InlineData("jti")]
    [InlineData("sid")]
    [InlineData("sub")]
    public async Task Call_TokenIsRevoked_IsRefusedThoughItWasCached(string by)
    {
        string Token(string id) => Issuer.Token("demo", t => t.Subject = new ClaimsIdentity(
        [
            new Claim("sub", $"sub-{id}"), new Claim("tenant", "demo"), new Claim("jti", $"jti-{id}"),
            new Claim("sid", $"sid-{id}"),
        ]));
        var (one, other) = (Token("1"), Token("2"));
        await CallAsync(one);
        Issuer.Revoke(("jti", "some"));
        Issuer.Revoke(("sid", "others"));

        Issuer.Revoke(by == "sub"
            ? [("sub", "sub-1"), ("before", DateTimeOffset.UtcNow.AddSeconds(1).ToUnixTimeSeconds())]
            : [(by, $"{by}-1")]);

        await UntilAsync(async () => await ReasonAsync(one) == "TOKEN_REVOKED");
        await CallAsync(other);
        Assert.Equal("test/sub-2", await CallAsync(other));
    }

    [Fact]
    public async Task Call_SubjectsTokensWereRevoked_ALaterOneIsTaken()
    {
        Issuer.Revoke(("sub", "demo-app"), ("before", DateTimeOffset.UtcNow.AddSeconds(-5).ToUnixTimeSeconds()));
        var before = Issuer.Token("demo", t => t.IssuedAt = t.NotBefore = DateTime.UtcNow.AddSeconds(-60));

        await UntilAsync(async () => await ReasonAsync(before) == "TOKEN_REVOKED");

        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo")));
    }

    [Fact]
    public async Task Call_RevocationsCannotBeRead_NothingIsManagedAndTheRestGoesOn()
    {
        var token = Issuer.Token("demo", t => t.Expires = DateTime.UtcNow.AddDays(1));
        Installation.SignAccess("""
            { "version": 2, "assignments": [{ "tenant": "*", "role": "admin", "regions": ["*"] }], "tenants": {} }
            """);
        // Let in, where nobody answers it.
        await UntilAsync(async () => await DrainAsync(token) == StatusCode.Unimplemented);

        Issuer.IsDown = true;
        Time.Advance(TimeSpan.FromSeconds(61));
        // A page that was under way may still arrive once.
        await UntilAsync(async () =>
        {
            Time.Advance(TimeSpan.FromSeconds(61));
            return await DrainAsync(token) == StatusCode.Unavailable;
        });
        Assert.Equal("test/demo-app", await CallAsync(token));
        Issuer.IsDown = false;
        await UntilAsync(async () => await DrainAsync(token) == StatusCode.Unimplemented);
    }

    private async Task<StatusCode> DrainAsync(string token)
    {
        using var channel = Installation.Channel(Address, null);
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new RoutingService.RoutingServiceClient(channel).DrainNodeAsync(
                new DrainNodeRequest(), new Metadata { { "authorization", "Bearer " + token } }));
        return refused.StatusCode;
    }

    private async Task<string?> ReasonAsync(string token)
    {
        try
        {
            await CallAsync(token);
            return null;
        }
        catch (RpcException e)
        {
            return RpcErrors.ReasonOf(e);
        }
    }
}
