using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Lepton.Identity.Tests.World;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: programs get tokens by private_key_jwt and tls_client_auth, and by nothing else.</summary>
[Collection("postgres")]
public sealed class ClientCredentialsTests(SharedAuthority shared) : IClassFixture<SharedAuthority>
{
    private const string Grant = "client_credentials";

    private TestAuthority Authority => shared.Value;

    private TestProgram Batch => Authority.Site.Batch;

    [Fact]
    public async Task Token_PrivateKeyJwt_HasTheClaimsOfRfc9068()
    {
        var answer = (await AskAsync()).IsOk();

        Assert.Equal("Bearer", answer["token_type"]);
        Assert.Equal("600", answer["expires_in"]);
        Assert.False(answer.Json.TryGetProperty("refresh_token", out _));
        Assert.True(answer.Headers.CacheControl?.NoStore);
        var token = new JsonWebToken(answer["access_token"]);
        Assert.Equal(("at+jwt", "ES256"), (token.Typ, token.Alg));
        Assert.Equal((Authority.Issuer, "batch", "lepton"), (token.Issuer, token.Subject, token.Audiences.Single()));
        Assert.Equal("batch", token.GetPayloadValue<string>("client_id"));
        Assert.Equal("acme", token.GetPayloadValue<string>("tenant"));
        Assert.Equal(Authority.Time.GetUtcNow().ToUnixTimeSeconds(), token.GetPayloadValue<long>("iat"));
        Assert.Equal(600, token.GetPayloadValue<long>("exp") - token.GetPayloadValue<long>("iat"));
        Assert.NotEqual(token.Id, new JsonWebToken((await AskAsync())["access_token"]).Id);
        Assert.False(token.TryGetClaim("cnf", out _));
        Assert.False(token.TryGetClaim("sid", out _));
    }

    [Fact]
    public async Task Token_AudienceIsTokenEndpoint_IsTaken() =>
        (await AskAsync(a => a.Audience = Authority.Issuer + "/token")).IsOk();

    public static TheoryData<string, Action<SecurityTokenDescriptor>> Wrong() => new()
    {
        { "issuer", a => a.Issuer = "other" },
        { "subject", a => Set(a, "sub", "other") },
        { "no subject", a => Set(a, "sub", null) },
        { "unknown", a => { a.Issuer = "nobody"; Set(a, "sub", "nobody"); } },
        { "no such name", a => { a.Issuer = "no\0body"; Set(a, "sub", "no\0body"); } },
        { "audience", a => a.Audience = "https://elsewhere.example" },
        { "no audience", a => a.Audience = null },
        { "two audiences", a => { a.Audiences.Add(a.Audience); a.Audiences.Add("https://elsewhere.example"); } },
        { "expired", a => a.Expires = a.IssuedAt?.AddSeconds(-31) },
        { "no exp", a => a.Expires = null },
        { "lives long", a => a.Expires = a.IssuedAt?.AddMinutes(6) },
        { "not yet", a => a.NotBefore = a.IssuedAt?.AddSeconds(40) },
        { "of the future", a => a.IssuedAt = a.IssuedAt?.AddSeconds(40) },
        { "no jti", a => Set(a, "jti", null) },
        { "long jti", a => Set(a, "jti", new string('x', 256)) },
        { "an access token", a => a.TokenType = "at+jwt" },
        { "critical header", a => a.AdditionalHeaderClaims =
            new Dictionary<string, object> { ["crit"] = new[] { "b64" }, ["b64"] = false } },
        { "unsigned", a => a.SigningCredentials = null },
        { "another key", a => a.SigningCredentials = new SigningCredentials(
            new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)), SecurityAlgorithms.EcdsaSha256) },
        { "the public key as a secret", a => a.SigningCredentials = new SigningCredentials(
            new SymmetricSecurityKey(Encoding.UTF8.GetBytes(new string('k', 64))), SecurityAlgorithms.HmacSha256) },
        { "client of a certificate", a => { a.Issuer = "device-7"; Set(a, "sub", "device-7"); } },
        { "public client", a => { a.Issuer = "lepton-cli"; Set(a, "sub", "lepton-cli"); } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Token_WrongAssertion_IsInvalidClient(string what, Action<SecurityTokenDescriptor> change)
    {
        Assert.NotEmpty(what);
        (await AskAsync(change)).IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
    }

    [Fact]
    public async Task Token_AssertionAgain_IsRefusedByEveryInstance()
    {
        await using var second = await TestAuthority.StartAsync(Authority.Site, isSecond: true);
        var credentials = Batch.Credentials(Authority);
        (await Authority.PostAsync("/token", [("grant_type", Grant), .. credentials])).IsOk();

        foreach (var instance in new[] { Authority, second })
            (await instance.PostAsync("/token", [("grant_type", Grant), .. credentials]))
                .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        // Nor while it is in time after a sweep.
        Authority.Time.Advance(TimeSpan.FromSeconds(80));
        await Sweeping.SweepAsync(Authority);
        (await Authority.PostAsync("/token", [("grant_type", Grant), .. credentials]))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
    }

    [Fact]
    public async Task Token_AssertionManyTimesAtOnce_IsTakenOnce()
    {
        var credentials = Batch.Credentials(Authority);
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ =>
            Authority.PostAsync("/token", [("grant_type", Grant), .. credentials])));

        Assert.Single(answers, a => a.Status == HttpStatusCode.OK);
        Assert.Equal(11, answers.Count(a => a.Status == HttpStatusCode.Unauthorized));
    }

    [Fact]
    public async Task Token_TlsClientAuth_IsBoundToTheCertificate()
    {
        var shown = Authority.Site.Installation.Tenant("acme");
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader
            .LoadCertificateFromFile(shown.Certificate);
        var answer = await TestAuthority.PostAsync(Authority.Client(shown), "/token",
            ("grant_type", Grant), ("client_id", "device-7"));

        var token = new JsonWebToken(answer.IsOk()["access_token"]);
        Assert.Equal(Base64UrlEncoder.Encode(certificate.GetCertHash(HashAlgorithmName.SHA256)),
            token.GetPayloadValue<System.Text.Json.JsonElement>("cnf").GetProperty("x5t#S256").GetString());
        Assert.Equal(("device-7", "acme"), (token.Subject, token.GetPayloadValue<string>("tenant")));
    }

    [Fact]
    public async Task Token_TlsClientAuthWithoutItsCertificate_IsInvalidClient()
    {
        var installation = Authority.Site.Installation;
        (string, string)[] form = [("grant_type", Grant), ("client_id", "device-7")];

        (await Authority.PostAsync("/token", form)).IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        foreach (var shown in new[] { installation.Tenant("globex"), installation.Service("eu-west", "routing"),
            installation.Issue("nameless", null, ["1.3.6.1.5.5.7.3.2"]) })
            (await TestAuthority.PostAsync(Authority.Client(shown), "/token", form))
                .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
    }

    [Fact]
    public async Task Token_SharedSecrets_AreRefused()
    {
        (await Authority.PostAsync("/token", ("grant_type", Grant), ("client_id", "batch"), ("client_secret", "x")))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/token", UriKind.Relative))
        {
            Content = new FormUrlEncodedContent([KeyValuePair.Create("grant_type", Grant)]),
        };
        request.Headers.TryAddWithoutValidation("Authorization", "Basic YmF0Y2g6eA==");
        var answer = await Answer.OfAsync(await Authority.Http.SendAsync(request));
        answer.IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
        Assert.Equal("Basic", answer.Headers.WwwAuthenticate.Single().Scheme);
        // A registered key is not made up for by knowing the name.
        (await Authority.PostAsync("/token", ("grant_type", Grant), ("client_id", "batch")))
            .IsRefused(HttpStatusCode.Unauthorized, "invalid_client");
    }

    public static TheoryData<string, (string, string)[]> WrongRequests() => new()
    {
        { "invalid_request", [] },
        { "unsupported_grant_type", [("grant_type", "password")] },
        { "unauthorized_client", [("grant_type", "refresh_token"), ("refresh_token", "x")] },
        { "unauthorized_client", [("grant_type", Person.DeviceGrant), ("device_code", "x")] },
        { "invalid_scope", [("grant_type", Grant), ("scope", "openid")] },
        { "invalid_target", [("grant_type", Grant), ("resource", "https://elsewhere.example")] },
        { "invalid_request", [("grant_type", Grant), ("grant_type", Grant)] },
    };

    [Theory]
    [MemberData(nameof(WrongRequests))]
    public async Task Token_WrongRequest_HasItsCode(string error, (string, string)[] form) =>
        (await Authority.PostAsync("/token", [.. form, .. Batch.Credentials(Authority)]))
            .IsRefused(HttpStatusCode.BadRequest, error);

    [Fact]
    public async Task Token_HalfCredentials_AreInvalidRequests()
    {
        foreach (var form in new (string, string)[][]
        {
            [], [("client_assertion", Batch.Assert(Authority))],
            [("client_assertion", Batch.Assert(Authority)), ("client_assertion_type", "saml")],
        })
            (await Authority.PostAsync("/token", [("grant_type", Grant), .. form]))
                .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
    }

    [Fact]
    public async Task Token_PublicClientForItself_IsUnauthorizedClient() =>
        (await Authority.PostAsync("/token", ("grant_type", Grant), ("client_id", "lepton-cli")))
            .IsRefused(HttpStatusCode.BadRequest, "unauthorized_client");

    [Fact]
    public async Task Token_NotAForm_IsInvalidRequest()
    {
        foreach (var content in new HttpContent[]
        {
            new StringContent("{}", Encoding.UTF8, "application/json"), new ByteArrayContent([1, 2, 3]),
            new MultipartFormDataContent { { new StringContent(Grant), "grant_type" } },
            new StringContent("grant_type=" + new string('x', 64 << 10), Encoding.UTF8,
                "application/x-www-form-urlencoded"),
            new StringContent(string.Join('&', Enumerable.Range(0, 100).Select(i => $"p{i}=1")), Encoding.UTF8,
                "application/x-www-form-urlencoded"),
        })
            (await Answer.OfAsync(await Authority.Http.PostAsync(new Uri("/token", UriKind.Relative), content)))
                .IsRefused(HttpStatusCode.BadRequest, "invalid_request");
        (await AskAsync()).IsOk(); // and is none the worse for it
    }

    private Task<Answer> AskAsync(Action<SecurityTokenDescriptor>? change = null) =>
        Authority.PostAsync("/token", [("grant_type", Grant), .. Batch.Credentials(Authority, change)]);

    private static void Set(SecurityTokenDescriptor assertion, string claim, string? value)
    {
        var former = assertion.Subject.FindFirst(claim);
        assertion.Subject.RemoveClaim(former);
        if (value is not null)
            assertion.Subject.AddClaim(new Claim(claim, value));
    }
}
