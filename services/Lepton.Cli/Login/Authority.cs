using System.Net;
using System.Net.Http;
using System.Text.Json;

namespace Lepton.Cli.Login;

/// <summary>
/// An OAuth authority as its discovery document (OpenID Connect Discovery 1.0) describes it, for one public client.
/// <see cref="AuthorityAway"/> from any call: it may work later. Every call ends within ten seconds.
/// </summary>
internal sealed class Authority : IDisposable
{
    private const string deviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    private static readonly string[] scopesWanted = ["openid", "offline_access"];

    private readonly HttpClient http;
    private readonly string clientId;
    private readonly TimeProvider time;
    private readonly Uri token;
    private readonly Uri? device;
    private readonly Uri? revocation;
    private readonly string scope;

    private Authority(HttpClient http, string issuer, string clientId, TimeProvider time, JsonElement document)
    {
        (this.http, Issuer, this.clientId, this.time) = (http, issuer, clientId, time);
        token = Endpoint(document, "token_endpoint")
            ?? throw new CommandFailure(ExitCode.Failed, $"The authority {issuer} names no token_endpoint.");
        device = Endpoint(document, "device_authorization_endpoint");
        revocation = Endpoint(document, "revocation_endpoint");
        scope = Scope(document);
    }

    public string Issuer { get; }

    /// <param name="login">Whose issuer, client and trust are used.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static Task<Authority> FindAsync(StoredLogin login, TimeProvider time, CancellationToken cancellation) =>
        FindAsync(login.Issuer, login.ClientId, login.AuthorityFile, time, cancellation);

    /// <param name="issuer">An https address.</param>
    /// <param name="clientId">The public client that asks.</param>
    /// <param name="authorityFile">Who certifies its server; null: the machine's list.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public static async Task<Authority> FindAsync(
        string issuer, string clientId, string? authorityFile, TimeProvider time, CancellationToken cancellation)
    {
        HttpClient http = AuthorityTrust.Connect(authorityFile);
        try
        {
            using HttpRequestMessage request = new(
                HttpMethod.Get, $"{issuer.TrimEnd('/')}/.well-known/openid-configuration");
            (HttpStatusCode status, JsonElement document) =
                await Oidc.SendAsync(http, issuer, request, cancellation);
            if (status != HttpStatusCode.OK || document.ValueKind != JsonValueKind.Object)
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"{request.RequestUri} is no OpenID discovery document (HTTP {(int)status}).")
                {
                    Hints = ["--issuer takes the address of an OpenID Connect authority, without /.well-known."],
                };
            }

            // Discovery 4.3: exactly the same, or one authority could pass for another.
            string? says = Oidc.Text(document, "issuer");
            return says == issuer
                ? new Authority(http, issuer, clientId, time, document)
                : throw new CommandFailure(ExitCode.Failed, $"The authority at {issuer} says that it is "
                    + $"'{ServerText.Clean(says ?? "", 200)}': both must be the same, to the letter.");
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    /// <summary>Begins a log-in (RFC 8628, 3.1).</summary>
    public async Task<DeviceCode> BeginAsync(CancellationToken cancellation)
    {
        Uri endpoint = device ?? throw new CommandFailure(ExitCode.Failed,
            $"The authority {Issuer} has no device_authorization_endpoint: it knows no log-in by device flow.");
        Dictionary<string, string> form = new() { ["client_id"] = clientId };
        if (scope.Length > 0)
        {
            form["scope"] = scope;
        }

        (HttpStatusCode status, JsonElement body) = await PostAsync(endpoint, form, cancellation);
        return status == HttpStatusCode.OK
            ? Oidc.DeviceCode(Issuer, body)
            : throw new CommandFailure(ExitCode.Failed,
                $"The authority {Issuer} refuses the log-in: {Oidc.Refusal(status, body).Text}")
            {
                Hints = ["--client-id takes a public client that may use the device flow; lepton-cli is the default."],
            };
    }

    /// <summary>Asks once whether the person has decided (RFC 8628, 3.4).</summary>
    public Task<TokenAnswer> PollAsync(DeviceCode code, CancellationToken cancellation) => TokenAsync(new()
    {
        ["grant_type"] = deviceGrant, ["device_code"] = code.Code, ["client_id"] = clientId,
    }, code.Code, cancellation);

    /// <summary>Spends a refresh token (RFC 6749, 6). Not to be cancelled: what was sent may have been spent.</summary>
    public Task<TokenAnswer> RenewAsync(string refreshToken) => TokenAsync(new()
    {
        ["grant_type"] = "refresh_token", ["refresh_token"] = refreshToken, ["client_id"] = clientId,
    }, refreshToken, CancellationToken.None);

    /// <summary>Ends the session at the authority (RFC 7009). Null when it did; else why not.</summary>
    public async Task<string?> RevokeAsync(StoredLogin login, CancellationToken cancellation)
    {
        if (revocation is null)
        {
            return "it has no revocation_endpoint";
        }

        string shown = login.RefreshToken ?? login.AccessToken;
        (HttpStatusCode status, JsonElement body) = await PostAsync(revocation, new()
        {
            ["token"] = shown,
            ["token_type_hint"] = login.RefreshToken is null ? "access_token" : "refresh_token",
            ["client_id"] = clientId,
        }, cancellation);
        return status == HttpStatusCode.OK ? null : Oidc.Refusal(status, body, shown).Text;
    }

    public void Dispose() => http.Dispose();

    private async Task<TokenAnswer> TokenAsync(
        Dictionary<string, string> form, string secret, CancellationToken cancellation)
    {
        DateTimeOffset asked = time.GetUtcNow(); // the life of a token counts from its making, which comes later
        (HttpStatusCode status, JsonElement body) = await PostAsync(token, form, cancellation);
        return status == HttpStatusCode.OK
            ? new TokenAnswer.Granted(Oidc.Tokens(Issuer, body, asked))
            : Oidc.Refusal(status, body, secret);
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(
        Uri endpoint, Dictionary<string, string> form, CancellationToken cancellation)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, endpoint) { Content = new FormUrlEncodedContent(form) };
        return await Oidc.SendAsync(http, Issuer, request, cancellation);
    }

    private Uri? Endpoint(JsonElement document, string name) => Oidc.Text(document, name) switch
    {
        null => null,
        var text when Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps => uri,
        _ => throw new CommandFailure(
            ExitCode.Failed, $"The authority {Issuer} names a {name} that is no https address."),
    };

    /// <summary>A refresh token is given for offline_access where it exists; what isn't listed isn't asked.</summary>
    private static string Scope(JsonElement document) =>
        document.TryGetProperty("scopes_supported", out JsonElement scopes) && scopes.ValueKind == JsonValueKind.Array
            ? string.Join(' ', scopesWanted.Where(wanted => scopes.EnumerateArray()
                .Any(s => s.ValueKind == JsonValueKind.String && s.GetString() == wanted)))
            : "";
}
