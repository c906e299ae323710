using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Lepton.Cli.Tests.Login;

/// <summary>
/// An OAuth authority on a real TLS socket: discovery, device flow, refresh tokens that rotate and whose reuse ends
/// the session, revocation. It keeps every secret that it gave, for a test to look whether one got out.
/// </summary>
internal sealed class FakeAuthority : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly Lock gate = new();
    private string? refreshToken;

    private FakeAuthority(WebApplication app) => this.app = app;

    public string Issuer => app.Urls.Single();

    public ConcurrentBag<string> Secrets { get; } = [];

    /// <summary>What the token endpoint says to the device before it grants; null is 503.</summary>
    public Queue<string?> Polls { get; } = [];

    /// <summary>What every form held, in order of coming.</summary>
    public ConcurrentQueue<Dictionary<string, string>> Forms { get; } = [];

    /// <summary>What discovery says besides, or instead.</summary>
    public Dictionary<string, object> Document { get; } = new()
    {
        ["scopes_supported"] = new[] { "openid", "offline_access" },
    };

    public Dictionary<string, object> Device { get; } = new()
    {
        ["user_code"] = "WDJB-MJHT", ["verification_uri"] = "https://localhost/device",
        ["verification_uri_complete"] = "https://localhost/device?user_code=WDJB-MJHT", ["expires_in"] = 600,
    };

    /// <summary>Answers 503 to everything.</summary>
    public bool IsDown { get; set; }

    public int Lifetime { get; set; } = 600;

    /// <summary>A used refresh token came again.</summary>
    public bool WasReused { get; private set; }

    public int Renewals { get; private set; }

    public List<string> Revoked { get; } = [];

    /// <summary>Awaited before a refresh token is looked at.</summary>
    public Func<Task> BeforeRenewal { get; set; } = () => Task.CompletedTask;

    public static async Task<FakeAuthority> StartAsync(
        TestInstallation pki, string service = "identity", SslProtocols protocols = SslProtocols.Tls13)
    {
        (string certificate, string key) = pki.Service("eu-west", service);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        X509Certificate2 leaf = X509Certificate2.CreateFromPemFile(certificate, key);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = leaf, SslProtocols = protocols });
        }));
        WebApplication app = builder.Build();
        FakeAuthority authority = new(app);
        app.Use(authority.ServeAsync);
        await app.StartAsync();
        return authority;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary>Tokens as if a log-in had just been.</summary>
    public (string Access, string Refresh) Grant()
    {
        lock (gate)
            return (AccessToken(), refreshToken = Secret());
    }

    private async Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        if (IsDown)
        {
            context.Response.StatusCode = 503;
            return;
        }

        if (context.Request.Path == "/.well-known/openid-configuration")
        {
            await AnswerAsync(context, 200, Describe());
            return;
        }

        IFormCollection form = await context.Request.ReadFormAsync();
        Forms.Enqueue(form.ToDictionary(f => f.Key, f => f.Value.ToString()));
        if (form["grant_type"] == "refresh_token")
            await BeforeRenewal();
        (int status, object body) = context.Request.Path.Value switch
        {
            "/device_authorization" => (200, Begin()),
            "/token" when form["grant_type"] == "refresh_token" => Renew(form["refresh_token"].ToString()),
            "/token" => Poll(),
            "/revoke" => Revoke(form["token"].ToString()),
            _ => (404, "no such page"),
        };
        await AnswerAsync(context, status, body);
    }

    private Dictionary<string, object> Describe()
    {
        Dictionary<string, object> document = new()
        {
            ["issuer"] = Issuer,
            ["token_endpoint"] = Issuer + "/token",
            ["device_authorization_endpoint"] = Issuer + "/device_authorization",
            ["revocation_endpoint"] = Issuer + "/revoke",
        };
        foreach ((string name, object value) in Document)
            document[name] = value;
        return document;
    }

    private Dictionary<string, object> Begin() => new(Device) { ["device_code"] = Secret() };

    private (int Status, object Body) Poll()
    {
        lock (gate)
        {
            if (!Polls.TryDequeue(out string? error))
            {
                refreshToken = Secret();
                return (200, Tokens());
            }

            return error is null ? (503, "busy") : (400, new { error, error_description = "as the test wants it" });
        }
    }

    private (int Status, object Body) Renew(string shown)
    {
        lock (gate)
        {
            if (shown != refreshToken)
            {
                WasReused = true;
                refreshToken = null; // RFC 9700, 4.14.2
                return (400, new { error = "invalid_grant", error_description = $"'{shown}' is\u001b[2J over" });
            }

            Renewals++;
            refreshToken = Secret();
            return (200, Tokens());
        }
    }

    private (int Status, object Body) Revoke(string token)
    {
        lock (gate)
            Revoked.Add(token);
        return (200, "");
    }

    private Dictionary<string, object> Tokens() => new()
    {
        ["access_token"] = AccessToken(), ["token_type"] = "Bearer", ["expires_in"] = Lifetime,
        ["refresh_token"] = refreshToken!,
    };

    /// <summary>A JWT in shape: a CLI verifies none.</summary>
    private string AccessToken()
    {
        byte[] claims = JsonSerializer.SerializeToUtf8Bytes(new
        {
            iss = Issuer, sub = "ada", tenant = "harbour-bank", client_id = "lepton-cli", sid = "session-7",
            jti = RandomNumberGenerator.GetHexString(16),
        });
        string token = string.Join(
            '.', "eyJhbGciOiJFUzI1NiJ9", Base64Url.EncodeToString(claims), RandomNumberGenerator.GetHexString(32));
        Secrets.Add(token);
        return token;
    }

    private string Secret()
    {
        string secret = RandomNumberGenerator.GetHexString(32);
        Secrets.Add(secret);
        return secret;
    }

    private static Task AnswerAsync(HttpContext context, int status, object body)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(body);
    }
}
