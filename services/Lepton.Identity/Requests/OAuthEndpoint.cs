using System.Data.Common;
using Microsoft.EntityFrameworkCore;

namespace Lepton.Identity.Requests;

/// <summary>What the endpoints have alike: limits, a deadline, the form, and one form for every error.</summary>
internal sealed partial class OAuthEndpoint(
    RateLimits limits, IdentityMetrics metrics, TimeProvider time, ILogger<OAuthEndpoint> logger)
{
    private static readonly TimeSpan RequestTimeMax = TimeSpan.FromSeconds(20);

    /// <summary>A handler of forms.</summary>
    public RequestDelegate Form(string name, Func<OAuthRequest, CancellationToken, Task<OAuthAnswer>> handle) =>
        Plain(name, async (context, cancellation) =>
        {
            var (request, refusal) = await OAuthRequest.ReadAsync(context, cancellation);
            return request is null ? refusal ?? OAuthRefusal.InvalidRequest("") : await handle(request, cancellation);
        });

    /// <summary>A handler of anything.</summary>
    public RequestDelegate Plain(string name, Func<HttpContext, CancellationToken, Task<OAuthAnswer>> handle) =>
        context => RunAsync(name, handle, context);

    private async Task RunAsync(
        string name, Func<HttpContext, CancellationToken, Task<OAuthAnswer>> handle, HttpContext context)
    {
        using var deadline = new CancellationTokenSource(RequestTimeMax, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        OAuthAnswer answer;
        try
        {
            answer = limits.Address(OAuthRequest.AddressOf(context)) is { } wait
                ? OAuthRefusal.TooMany(wait)
                : await handle(context, both.Token);
        }
        catch (Exception e) when (e is DbException or DbUpdateException or TimeoutException
            || e is InvalidOperationException { InnerException: DbException or TimeoutException })
        {
            LogDatabase(e, name);
            answer = OAuthRefusal.Unavailable();
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            answer = OAuthRefusal.Unavailable();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogUnforeseen(e, name);
            answer = new OAuthRefusal("server_error", "This should not have happened; it was logged.")
            {
                Status = StatusCodes.Status500InternalServerError,
            };
        }
        if (answer is OAuthRefusal refusal)
            metrics.Refused(name, refusal.Error);
        if (!context.RequestAborted.IsCancellationRequested)
            await answer.WriteAsync(context);
    }

    [LoggerMessage(LogLevel.Error, "The database does not serve {Endpoint}")]
    private partial void LogDatabase(Exception e, string endpoint);

    [LoggerMessage(LogLevel.Error, "{Endpoint} failed")]
    private partial void LogUnforeseen(Exception e, string endpoint);
}
