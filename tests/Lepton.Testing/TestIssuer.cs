using System.Security.Claims;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Testing;

/// <summary>An authority of a test: discovery and keys over TLS, and any token, right or wrong.</summary>
public sealed class TestIssuer : IAsyncDisposable
{
    private readonly List<(ECDsa Key, string Id)> keys = [];
    private readonly WebApplication app;
    private readonly List<Dictionary<string, object>> revocations = [];
    private int fetches;

    private TestIssuer(WebApplication app) => this.app = app;

    /// <summary>Its <c>iss</c>.</summary>
    public string Issuer => app.Urls.Single();

    /// <summary>How often its keys were fetched.</summary>
    public int Fetches => Volatile.Read(ref fetches);

    /// <summary>It answers 503.</summary>
    public bool IsDown { get; set; }

    /// <summary>What its discovery document says that its issuer is; null: the truth.</summary>
    public string? Claims { get; set; }

    /// <summary>Starts with one key.</summary>
    public static async Task<TestIssuer> StartAsync(TestInstallation installation)
    {
        ArgumentNullException.ThrowIfNull(installation);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var (certificate, key) = installation.Service("eu-west", "identity");
        builder.WebHost.UseUrls("https://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(https =>
        {
            https.ServerCertificate = X509Certificate2.CreateFromPemFile(certificate, key);
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.AllowAnyClientCertificate();
        }));
        var app = builder.Build();
        var issuer = new TestIssuer(app);
        issuer.Rotate();
        app.MapGet("/.well-known/openid-configuration", () => issuer.IsDown
            ? Results.StatusCode(StatusCodes.Status503ServiceUnavailable)
            : Results.Json(new Dictionary<string, string>
            {
                ["issuer"] = issuer.Claims ?? issuer.Issuer, ["jwks_uri"] = issuer.Issuer + "/keys",
            }));
        app.MapGet("/keys", issuer.Keys);
        app.MapGet("/revocations", issuer.Revocations);
        await app.StartAsync();
        return issuer;
    }

    /// <summary>The configuration of a service that takes this authority's tokens.</summary>
    public Dictionary<string, string?> Configuration() => new()
    {
        ["Lepton:Tokens:Issuers:0:Name"] = "test",
        ["Lepton:Tokens:Issuers:0:Issuer"] = Issuer,
        ["Lepton:Tokens:Issuers:0:RevocationsUrl"] = Issuer + "/revocations",
        ["Lepton:Tokens:RevocationsInterval"] = "00:00:00.1",
    };

    /// <summary>Lists a revocation: <c>jti</c> or <c>sid</c>, or <c>sub</c> and <c>before</c>.</summary>
    public void Revoke(params (string Name, object Value)[] entry)
    {
        var listed = entry.ToDictionary(e => e.Name, e => e.Value);
        listed["exp"] = DateTimeOffset.UtcNow.AddMinutes(10).ToUnixTimeSeconds();
        lock (revocations)
            revocations.Add(listed);
    }

    /// <summary>Signs with a new key from now on; the former ones stay published.</summary>
    public void Rotate()
    {
        lock (keys)
            keys.Add((ECDsa.Create(ECCurve.NamedCurves.nistP256), Guid.NewGuid().ToString("N")));
    }

    /// <summary>A token of a tenant's client, in time for ten minutes, changed as told.</summary>
    public string Token(string tenant, Action<SecurityTokenDescriptor>? change = null)
    {
        ECDsaSecurityKey key;
        lock (keys)
            key = new ECDsaSecurityKey(keys[^1].Key) { KeyId = keys[^1].Id };
        var now = DateTime.UtcNow;
        var token = new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = "lepton",
            TokenType = "at+jwt",
            Subject = new ClaimsIdentity(
            [
                new Claim("sub", $"{tenant}-app"), new Claim("client_id", $"{tenant}-app"), new Claim("tenant", tenant),
                new Claim("jti", Guid.NewGuid().ToString("N")),
            ]),
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddMinutes(10),
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256),
        };
        change?.Invoke(token);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(token);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        foreach (var (key, _) in keys)
            key.Dispose();
    }

    private IResult Keys()
    {
        if (IsDown)
            return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        Interlocked.Increment(ref fetches);
        lock (keys)
            return Results.Json(new { keys = keys.Select(k => Public(k.Key, k.Id)) });
    }

    // Two a page, so that a reader must go on.
    private IResult Revocations(HttpContext http, int after)
    {
        if (IsDown)
            return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
        if (http.Connection.ClientCertificate is null)
            return Results.StatusCode(StatusCodes.Status401Unauthorized);
        lock (revocations)
        {
            var page = revocations.Skip(after).Take(2).ToList();
            return Results.Json(new { next = after + page.Count, revocations = page });
        }
    }

    private static Dictionary<string, string> Public(ECDsa key, string id)
    {
        var point = key.ExportParameters(false).Q;
        return new Dictionary<string, string>
        {
            ["kty"] = "EC", ["crv"] = "P-256", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = id,
            ["x"] = Base64UrlEncoder.Encode(point.X), ["y"] = Base64UrlEncoder.Encode(point.Y),
        };
    }
}
