using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Lepton.Identity.Passwords;
using Lepton.Identity.Requests;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Devices;

/// <summary>
/// GET and POST /device: a person logs in and approves, or refuses, what a device asked for. There is no session with
/// the browser: each approval takes the password. A form counts only with the cookie it came with (double submit) and
/// from our own origin.
/// </summary>
internal sealed partial class DeviceEndpoint(
    DeviceGrants devices, LogIn logIn, RateLimits limits, IAuthenticationLog log, AuditTrail audit,
    IdentityMetrics metrics, IOptions<IdentityOptions> options, TimeProvider time, ILogger<DeviceEndpoint> logger)
{
    // The prefix makes browsers take it over TLS from this host only, never from a neighbour.
    private const string Cookie = "__Host-lepton-device";
    private const string Name = "device";
    private static readonly TimeSpan RequestTimeMax = TimeSpan.FromSeconds(30);

    public async Task GetAsync(HttpContext context)
    {
        if (limits.Address(OAuthRequest.AddressOf(context)) is { } wait)
        {
            await TooManyAsync(context, wait);
            return;
        }
        await FormAsync(context, StatusCodes.Status200OK, null, context.Request.Query["user_code"].ToString());
    }

    public async Task PostAsync(HttpContext context)
    {
        using var deadline = new CancellationTokenSource(RequestTimeMax, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        try
        {
            await AnswerAsync(context, both.Token);
        }
        catch (Exception e) when (e is DbException or TimeoutException
            or InvalidOperationException { InnerException: DbException or TimeoutException }
            || (e is OperationCanceledException && deadline.IsCancellationRequested))
        {
            LogDatabase(e);
            metrics.Refused(Name, "temporarily_unavailable");
            await DevicePage.WriteRefusalAsync(context, StatusCodes.Status503ServiceUnavailable,
                "This does not work just now. Try again in a moment.", TimeSpan.FromSeconds(2));
        }
    }

    private async Task AnswerAsync(HttpContext context, CancellationToken cancellation)
    {
        if (limits.Address(OAuthRequest.AddressOf(context)) is { } wait)
        {
            await TooManyAsync(context, wait);
            return;
        }
        var (request, refusal) = await OAuthRequest.ReadAsync(context, cancellation);
        if (request is null)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, refusal?.Description ?? "");
            return;
        }
        if (!IsOurForm(context, request))
        {
            await RefuseAsync(context, StatusCodes.Status403Forbidden,
                "This form did not come from this page, or is too old.");
            return;
        }
        if (limits.LogIn(request.Address) is { } pause)
        {
            await TooManyAsync(context, pause);
            return;
        }
        var typed = request["user_code"] ?? "";
        if (UserCode.Normalize(typed) is not { } code)
            await UnknownAsync(context, typed);
        else if (request["action"] == "refuse")
            await DecideAsync(context, request, code, null, cancellation);
        else if (request["action"] == "approve")
            await ApproveAsync(context, request, code, cancellation);
        else
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "action takes approve or refuse.");
    }

    private async Task ApproveAsync(
        HttpContext context, OAuthRequest request, string code, CancellationToken cancellation)
    {
        var (name, password) = (request["username"] ?? "", request["password"] ?? "");
        if (name.Length == 0 || password.Length == 0
            || Encoding.UTF8.GetByteCount(password) > PasswordHash.PasswordBytesMax)
        {
            await FormAsync(context, StatusCodes.Status400BadRequest, "Enter your user name and your password.", code);
            return;
        }
        // No password is compared for a code that nobody waits for.
        if (!await devices.CountTryAsync(code, cancellation))
        {
            await UnknownAsync(context, code);
            return;
        }
        switch (await logIn.TryAsync(name, password, cancellation))
        {
            case LogInOutcome.Accepted(var user):
                Record(request, user.Name, user.Tenant, AuthenticationOutcome.Success, "password");
                await DecideAsync(context, request, code, user.Name, cancellation);
                break;
            case LogInOutcome.Blocked(var wait):
                Record(request, "", "", AuthenticationOutcome.Failure, "locked_out");
                metrics.Refused(Name, "locked_out");
                await devices.FailTryAsync(code, cancellation);
                context.Response.Headers.RetryAfter = $"{Math.Ceiling(wait.TotalSeconds):F0}";
                await FormAsync(context, StatusCodes.Status429TooManyRequests,
                    $"Too many wrong passwords for this name. Wait {Math.Ceiling(wait.TotalSeconds):F0} s.", code);
                break;
            case LogInOutcome.Busy:
                await TooManyAsync(context, TimeSpan.FromSeconds(2));
                break;
            case LogInOutcome.Wrong(var known, var locked):
                Record(request, known ?? "", "", AuthenticationOutcome.Failure, locked ? "lock_out" : "password");
                metrics.Refused(Name, "password");
                await devices.FailTryAsync(code, cancellation);
                await FormAsync(context, StatusCodes.Status403Forbidden, "User name or password is wrong.", code);
                break;
        }
    }

    private async Task DecideAsync(HttpContext context, OAuthRequest request, string code, string? userName,
        CancellationToken cancellation)
    {
        if (await devices.DecideAsync(code, userName, cancellation) == DecideOutcome.Unknown)
        {
            await UnknownAsync(context, code);
            return;
        }
        audit.DeviceDecided(request, userName);
        await DevicePage.WriteEndAsync(context, userName is null ? "The device was refused" : "Your device is in");
    }

    private static bool IsOrigin(string origin, string issuer, HttpContext context) =>
        origin == issuer || origin == $"https://{context.Request.Host}";

    private bool IsOurForm(HttpContext context, OAuthRequest request)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (origin.Length > 0 && !IsOrigin(origin, options.Value.Issuer, context))
            return false;
        return context.Request.Cookies[Cookie] is { Length: > 0 } cookie && request["token"] is { } token
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(cookie), Encoding.UTF8.GetBytes(token));
    }

    private Task FormAsync(HttpContext context, int status, string? note, string userCode)
    {
        var token = DevicePage.CreateToken();
        context.Response.Cookies.Append(Cookie, token, new CookieOptions
        {
            Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/",
            MaxAge = options.Value.DeviceCodeTime,
        });
        return DevicePage.WriteFormAsync(context, status, note, userCode, token);
    }

    private Task UnknownAsync(HttpContext context, string typed)
    {
        metrics.Refused(Name, "user_code");
        return FormAsync(context, StatusCodes.Status400BadRequest,
            "No device waits with this code: it is mistyped, over, decided, or was tried too often.", typed);
    }

    private Task TooManyAsync(HttpContext context, TimeSpan wait)
    {
        metrics.Refused(Name, "slow_down");
        return DevicePage.WriteRefusalAsync(
            context, StatusCodes.Status429TooManyRequests, "Too many tries. Wait a moment.", wait);
    }

    private Task RefuseAsync(HttpContext context, int status, string message)
    {
        metrics.Refused(Name, "invalid_request");
        return DevicePage.WriteRefusalAsync(context, status, message);
    }

    private void Record(OAuthRequest request, string principal, string tenant, AuthenticationOutcome outcome,
        string reason) => log.Record(new AuthenticationEvent(time.GetUtcNow(), principal, "", tenant, request.Address,
        request.Thumbprint, outcome, reason));

    [LoggerMessage(LogLevel.Error, "The database does not serve the device page")]
    private partial void LogDatabase(Exception e);
}
