using System.Globalization;
using System.Text.Json;

namespace Lepton.Identity.Requests;

/// <summary>An answer: JSON that nobody may keep (RFC 6749, 5.1).</summary>
internal record OAuthAnswer(IReadOnlyDictionary<string, object?>? Body)
{
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>In how long to come again; null: nothing is said.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>For <c>WWW-Authenticate</c>.</summary>
    public string? Challenge { get; init; }

    public async Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        response.Headers.Pragma = "no-cache";
        if (RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (Challenge is not null)
            response.Headers.WWWAuthenticate = Challenge;
        if (Body is null)
            return;
        response.ContentType = "application/json";
        await response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(Body), context.RequestAborted);
    }
}

/// <summary>A refusal, with the error codes of RFC 6749 (5.2), 7009, 8628 (3.5) and 8707.</summary>
/// <param name="Error">The code.</param>
/// <param name="Description">For people, and safe to show; never a secret, never what was sent.</param>
internal sealed record OAuthRefusal(string Error, string Description)
    : OAuthAnswer(new Dictionary<string, object?> { ["error"] = Error, ["error_description"] = Description })
{
    public static OAuthRefusal InvalidRequest(string description) => new("invalid_request", description)
    {
        Status = StatusCodes.Status400BadRequest,
    };

    /// <summary>401, with the scheme that the client tried in the header, if it did (RFC 6749, 5.2).</summary>
    public static OAuthRefusal InvalidClient(string description, string? scheme = null) =>
        new("invalid_client", description)
        {
            Status = StatusCodes.Status401Unauthorized,
            Challenge = scheme is null ? null : $"{scheme} realm=\"lepton\"",
        };

    public static OAuthRefusal InvalidGrant(string description) => new("invalid_grant", description)
    {
        Status = StatusCodes.Status400BadRequest,
    };

    public static OAuthRefusal Of(string error, string description) => new(error, description)
    {
        Status = StatusCodes.Status400BadRequest,
    };

    public static OAuthRefusal TooMany(TimeSpan wait) =>
        new("slow_down", "Too many requests; see Retry-After.")
        {
            Status = StatusCodes.Status429TooManyRequests, RetryAfter = wait,
        };

    public static OAuthRefusal Unavailable() =>
        new("temporarily_unavailable", "The authority's database does not answer.")
        {
            Status = StatusCodes.Status503ServiceUnavailable, RetryAfter = TimeSpan.FromSeconds(2),
        };
}
