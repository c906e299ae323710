using System.Net;
using System.Net.Http;
using System.Text.Json;

namespace Lepton.Cli.Login;

/// <summary>Reads an authority's answers, which are somebody else's text until they were checked.</summary>
internal static class Oidc
{
    private const int tokenCharactersMax = 32 << 10;

    /// <summary>RFC 8628, 3.2: when the authority says nothing.</summary>
    private const int intervalDefault = 5;

    private const int intervalMax = 60;

    /// <summary>Nobody types a code an hour later.</summary>
    private const int lifetimeMax = 3600;

    /// <summary>An access token whose life isn't told is renewed soon.</summary>
    private static readonly TimeSpan lifeDefault = TimeSpan.FromMinutes(5);

    /// <summary>Sends, and reads JSON; a body that is none is Undefined.</summary>
    /// <exception cref="AuthorityAway">No connection, TLS not agreed on, no answer in time, 429 or 5xx.</exception>
    public static async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(
        HttpClient http, string issuer, HttpRequestMessage request, CancellationToken cancellation)
    {
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request, cancellation);
            if (response.StatusCode is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError)
            {
                throw new AuthorityAway(issuer, $"HTTP {(int)response.StatusCode}");
            }

            return (response.StatusCode, Parse(await response.Content.ReadAsByteArrayAsync(cancellation)));
        }
        catch (HttpRequestException e)
        {
            throw new AuthorityAway(issuer, e.GetBaseException().Message);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new AuthorityAway(issuer, $"nothing within {http.Timeout.TotalSeconds:0} s");
        }
    }

    /// <summary>Null when there is none or it is no text.</summary>
    public static string? Text(JsonElement body, string name) =>
        body.ValueKind == JsonValueKind.Object && body.TryGetProperty(name, out JsonElement value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>RFC 6749, 5.2.</summary>
    public static TokenAnswer.Refused Refusal(HttpStatusCode status, JsonElement body, params string[] sent) =>
        Text(body, "error") is { Length: > 0 } error
            ? new TokenAnswer.Refused(
                ServerText.Clean(error, 100, sent),
                ServerText.Clean(Text(body, "error_description") ?? "", 300, sent))
            : new TokenAnswer.Refused($"HTTP {(int)status}", "");

    /// <summary>RFC 6749, 5.1.</summary>
    public static TokenSet Tokens(string issuer, JsonElement body, DateTimeOffset asked)
    {
        string access = Text(body, "access_token") ?? "";
        Require(issuer, "access_token", access.Length is > 0 and <= tokenCharactersMax
            && access.All(c => char.IsAsciiLetterOrDigit(c) || "-._~+/=".Contains(c))); // RFC 6750, 2.1
        Require(issuer, "token_type",
            string.Equals(Text(body, "token_type"), "Bearer", StringComparison.OrdinalIgnoreCase));
        string? refresh = Text(body, "refresh_token");
        Require(issuer, "refresh_token", refresh is null
            || (refresh.Length is > 0 and <= tokenCharactersMax && refresh.All(ServerText.IsPrintable)));
        int? seconds = Number(issuer, body, "expires_in", 1, int.MaxValue);
        return new TokenSet(access, asked + (seconds is { } s ? TimeSpan.FromSeconds(s) : lifeDefault), refresh);
    }

    /// <summary>RFC 8628, 3.2.</summary>
    public static DeviceCode DeviceCode(string issuer, JsonElement body)
    {
        string code = Text(body, "device_code") ?? "";
        Require(issuer, "device_code", code.Length is > 0 and <= 4096);
        string user = Text(body, "user_code") ?? "";
        Require(issuer, "user_code", user.Length is > 0 and <= 64 && user.All(ServerText.IsPrintable));
        Uri address = Address(body, "verification_uri")
            ?? throw Wrong(issuer, "verification_uri"); // an escape sequence in it would be percent-encoded
        int lifetime = Number(issuer, body, "expires_in", 1, int.MaxValue) ?? throw Wrong(issuer, "expires_in");
        int interval = Number(issuer, body, "interval", 0, intervalMax) ?? intervalDefault;
        return new DeviceCode(
            code, user, address, Address(body, "verification_uri_complete"),
            TimeSpan.FromSeconds(Math.Min(lifetime, lifetimeMax)), TimeSpan.FromSeconds(Math.Max(interval, 1)));
    }

    private static Uri? Address(JsonElement body, string name) =>
        Uri.TryCreate(Text(body, name), UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps
        && uri.AbsoluteUri.Length <= 2048
            ? uri
            : null;

    private static int? Number(string issuer, JsonElement body, string name, int least, int most)
    {
        if (!body.TryGetProperty(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int n) && n >= least && n <= most
            ? n
            : throw Wrong(issuer, name);
    }

    private static void Require(string issuer, string name, bool good)
    {
        if (!good)
        {
            throw Wrong(issuer, name);
        }
    }

    private static CommandFailure Wrong(string issuer, string name) =>
        new(ExitCode.Failed, $"The authority {issuer} answered without a usable {name}.");

    private static JsonElement Parse(byte[] bytes)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(bytes);
            return json.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
