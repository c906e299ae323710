using System.Security.Claims;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using ErrorReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: access tokens over real sockets, from an authority that is found by discovery.</summary>
[Collection("server")] // what .NET counts is counted for the whole process
public sealed class TokenTests : TokenServer
{
    [Fact]
    public async Task Call_Token_NamesIssuerAndSubject()
    {
        var token = Issuer.Token("demo");

        Assert.Equal("test/demo-app", await CallAsync(token));
        Assert.Equal("test/demo-app", await CallAsync(token)); // from the cache
    }

    [Fact]
    public async Task Call_NeitherTokenNorCertificate_IsRefused() => await RefusedAsync(null, "CALLER_UNKNOWN");

    [Fact]
    public async Task Call_TokenOfServiceCertificate_TokenCounts()
    {
        var shown = Installation.Service("us-east", "routing");
        Assert.Equal("service/routing@us-east", await CallAsync(null, shown));
        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo"), shown));
        // A bad one is not overlooked because a good certificate is there.
        await RefusedAsync("nonsense", "TOKEN_INVALID", shown);
    }

    public static TheoryData<string, Action<SecurityTokenDescriptor>> Wrong() => new()
    {
        { "TOKEN_INVALID", t => t.Issuer = "https://elsewhere.example" },
        { "TOKEN_INVALID", t => t.Audience = "somebody" },
        { "TOKEN_INVALID", t => t.Audience = null },
        { "TOKEN_INVALID", t => t.TokenType = "JWT" },
        { "TOKEN_INVALID", t => t.Expires = null },
        { "TOKEN_EXPIRED", t => t.Expires = t.IssuedAt?.AddMinutes(-1) },
        { "TOKEN_INVALID", t => t.NotBefore = t.IssuedAt?.AddMinutes(2) },
        { "TOKEN_INVALID", t => t.SigningCredentials = null },
        { "TOKEN_INVALID", t => t.SigningCredentials = OtherKey(t) },
        { "TOKEN_INVALID", t => t.SigningCredentials = Symmetric(t) },
        { "TOKEN_INVALID", t => Change(t, "tenant", null) },
        { "TOKEN_INVALID", t => Change(t, "tenant", "De mo") },
        { "TOKEN_INVALID", t => Change(t, "sub", null) },
        { "TOKEN_INVALID", t => Change(t, "sub", new string('x', 256)) },
        { "TOKEN_INVALID", t => t.Claims = new Dictionary<string, object> { ["cnf"] = "x" } },
        { "TOKEN_INVALID", t => t.Claims = Bound(("jkt", "x")) },
        { "TOKEN_INVALID", t => t.Claims = Bound(("x5t#S256", "x"), ("jkt", "x")) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Call_WrongToken_IsRefused(string reason, Action<SecurityTokenDescriptor> change) =>
        await RefusedAsync(Issuer.Token("demo", change), reason);

    [Fact]
    public async Task Validate_ChangedByOneCharacter_IsRefused()
    {
        var validator = App.Services.GetRequiredService<TokenValidator>();
        var token = Issuer.Token("demo");
        Assert.NotNull((await validator.ValidateAsync(token, default)).Token);
        var random = new Random(4711);
        for (var i = 0; i < 2000; i++)
        {
            var at = random.Next(token.Length - 1); // the last character has unused bits
            var to = (char)random.Next('!', '~');
            if (to == token[at])
                continue;
            var changed = token[..at] + to + token[(at + 1)..];
            try
            {
                var (taken, fault) = await validator.ValidateAsync(changed, default);
                Assert.Equal((null, ErrorReason.TokenInvalid), (taken, fault?.Reason));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"{changed}: {e}");
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b.c")]
    [InlineData("e30.e30.")]
    [InlineData("e30.W10.AA")]
    public async Task Call_NoToken_IsRefused(string token) => await RefusedAsync(token, "TOKEN_INVALID");

    [Fact]
    public async Task Call_Oversized_IsRefused() =>
        await RefusedAsync(Issuer.Token("demo", t => Change(t, "x", new string('x', 9000))), "TOKEN_INVALID");

    [Fact]
    public async Task Call_OtherScheme_IsRefused()
    {
        using var channel = Installation.Channel(Address, Installation.Tenant("demo"));
        var basic = new Metadata { { "authorization", "Basic " + Convert.ToBase64String("a:b"u8) } };
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await new RoutingService.RoutingServiceClient(channel).ListNodesAsync(new ListNodesRequest(), basic));
        Assert.Equal("TOKEN_INVALID", RpcErrors.ReasonOf(refused));
    }

    [Fact]
    public async Task Call_BoundToken_NeedsItsCertificate()
    {
        var shown = Installation.Tenant("demo");
        var other = Installation.Tenant("other");
        using var certificate = X509Certificate2.CreateFromPemFile(shown.Certificate, shown.Key);
        var thumbprint = Base64UrlEncoder.Encode(SHA256.HashData(certificate.RawData));
        var token = Issuer.Token("demo", t => t.Claims = Bound(("x5t#S256", thumbprint)));

        Assert.Equal("test/demo-app", await CallAsync(token, shown));
        await RefusedAsync(token, "TOKEN_INVALID");
        await RefusedAsync(token, "TOKEN_INVALID", other);
    }

    [Fact]
    public async Task Call_CachedTokenThatExpires_IsRefused()
    {
        var token = Issuer.Token("demo");
        Assert.Equal("test/demo-app", await CallAsync(token));
        Time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("test/demo-app", await CallAsync(token)); // clocks may differ by 30 s
        Time.Advance(TimeSpan.FromSeconds(31));
        await RefusedAsync(token, "TOKEN_EXPIRED");
    }

    [Fact]
    public async Task Call_NewKey_IsFetchedForAllAtOnceAndOldTokensHold()
    {
        var old = Issuer.Token("demo");
        Assert.Equal("test/demo-app", await CallAsync(old));
        var before = Issuer.Fetches;
        Time.Advance(TimeSpan.FromSeconds(3));
        Issuer.Rotate();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CallAsync(Issuer.Token("demo"))));

        Assert.InRange(Issuer.Fetches, before + 1, before + 2); // the first of the interval may be late
        Assert.Equal("test/demo-app", await CallAsync(old));
    }

    [Fact]
    public async Task Call_InventedKeys_AskTheIssuerOnceIn2Seconds()
    {
        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo")));
        Time.Advance(TimeSpan.FromSeconds(3));
        var before = Issuer.Fetches;
        for (var i = 0; i < 20; i++)
            await RefusedAsync(
                Issuer.Token("demo", t => t.SigningCredentials = OtherKey(t, $"none-{i}")), "TOKEN_INVALID");
        Assert.InRange(Issuer.Fetches, before + 1, before + 2); // the first of the interval may be late
    }

    [Fact]
    public async Task Start_IssuerAway_ServesWithTheKeysOfTheFile()
    {
        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo")));
        Issuer.IsDown = true;
        await using var restarted = await StartAsync();

        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo"), to: restarted));
        Time.Advance(TimeSpan.FromHours(25));
        await RefusedAsync(Issuer.Token("demo"), "ISSUER_UNAVAILABLE", to: restarted);
    }

    [Fact]
    public async Task Start_IssuerAwayAndNoFile_SaysSoAndRecovers()
    {
        Issuer.IsDown = true;
        File.Delete(KeysFile);
        await using var started = await StartAsync();
        await RefusedAsync(Issuer.Token("demo"), "ISSUER_UNAVAILABLE", to: started);

        Issuer.IsDown = false;
        Time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("test/demo-app", await CallAsync(Issuer.Token("demo"), to: started));
    }

    [Fact]
    public async Task Start_DiscoveryOfAnotherIssuer_IsNotUsed()
    {
        Issuer.Claims = "https://elsewhere.example";
        File.Delete(KeysFile);
        await using var started = await StartAsync();
        await RefusedAsync(Issuer.Token("demo"), "ISSUER_UNAVAILABLE", to: started);
    }

    private async Task RefusedAsync(
        string? token, string reason, (string, string)? shown = null, WebApplication? to = null)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(() => CallAsync(token, shown, to));
        Assert.Equal((reason == "ISSUER_UNAVAILABLE" ? StatusCode.Unavailable : StatusCode.Unauthenticated, reason),
            (refused.StatusCode, RpcErrors.ReasonOf(refused)));
    }

    private static void Change(SecurityTokenDescriptor token, string claim, string? value)
    {
        if (token.Subject.FindFirst(claim) is { } there)
            token.Subject.RemoveClaim(there);
        if (value is not null)
            token.Subject.AddClaim(new Claim(claim, value));
    }

    private static Dictionary<string, object> Bound(params (string Name, string Value)[] members) => new()
    {
        ["cnf"] = members.ToDictionary(m => m.Name, m => (object)m.Value),
    };

    private static SigningCredentials OtherKey(SecurityTokenDescriptor token, string? id = null) => new(
        new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            KeyId = id ?? token.SigningCredentials.Key.KeyId,
        },
        SecurityAlgorithms.EcdsaSha256);

    // The classic confusion: a public key taken for a shared secret.
    private static SigningCredentials Symmetric(SecurityTokenDescriptor token) => new(
        new SymmetricSecurityKey(new byte[32]) { KeyId = token.SigningCredentials.Key.KeyId },
        SecurityAlgorithms.HmacSha256);
}
