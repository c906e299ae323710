using System.Globalization;
using System.Text.Json;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Benchmarks.Token;

/// <summary>
/// What a request pays for its access token: from the header to the caller, with a token that was validated before
/// (one of a thousand), and with one that is validated whole.
/// </summary>
internal static class TokenBench
{
    private const int Tokens = 1000, Assignments = 10_000;

    internal static int Run(string[] args)
    {
        if (args.Length > 0)
        {
            Console.Error.WriteLine("bench token takes no arguments.");
            return 2;
        }
        return RunAsync().GetAwaiter().GetResult();
    }

    private static async Task<int> RunAsync()
    {
        using TestInstallation installation = new();
        await using TestIssuer issuer = await TestIssuer.StartAsync(installation);
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "routing"));
        builder.Configuration.AddInMemoryCollection(issuer.Configuration());
        builder.AddServiceDefaults("routing");
        await using WebApplication app = builder.Build();
        ICallerSource callers = app.Services.GetRequiredService<ICallerSource>();
        TokenValidator validator = app.Services.GetRequiredService<TokenValidator>();

        string[] tokens = [.. Enumerable.Range(0, Tokens).Select(_ => issuer.Token("demo"))];
        HttpContext[] requests = [.. tokens.Select(Request)];
        foreach (HttpContext request in requests)
            _ = Named(await callers.OfAsync(request));

        int hits = 0, misses = 0;
        Action hit = () =>
        {
            ValueTask<CallerAnswer> answer = callers.OfAsync(requests[hits++ % Tokens]);
            _ = Named(answer.IsCompletedSuccessfully
                ? answer.Result
                : throw new InvalidOperationException("The token was not known any more."));
        };
        Action miss = () => _ = validator.ValidateAsync(tokens[misses++ % Tokens], default).GetAwaiter().GetResult()
            .Token ?? throw new InvalidOperationException("A good token was refused.");
        (double hitNanos, double missNanos) = Paired.Measure(hit, miss);
        double hitBytes = Paired.BytesOf(hit);
        Action access = AccessCheck();
        (double accessNanos, _) = Paired.Measure(access, hit);
        double accessBytes = Paired.BytesOf(access);
        using HopPair hops = new(installation, app.Services);
        (double sealedNanos, double signedNanos) = Paired.Measure(hops.Sealed, hops.Signed);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"token: {Tokens} tokens of {tokens[0].Length} characters; median of {Paired.Rounds} interleaved rounds\n"
            + $"known     {hitNanos,10:F0} ns {hitBytes,6:F0} B\nvalidated {missNanos,10:F0} ns\n"
            + $"may it?   {accessNanos,10:F0} ns {accessBytes,6:F0} B   {Assignments} assignments\n"
            + $"hop       {sealedNanos,10:F0} ns sealed and checked, {signedNanos:F0} ns to sign one instead"));
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "token",
            ratios = new Dictionary<string, double>
            {
                ["hit_ns"] = Math.Round(hitNanos, 1), ["hit_bytes"] = hitBytes,
                ["miss_ns"] = Math.Round(missNanos), ["hit_vs_miss"] = Math.Round(hitNanos / missNanos, 5),
                ["access_ns"] = Math.Round(accessNanos, 1), ["access_bytes"] = accessBytes,
                ["hop_ns"] = Math.Round(sealedNanos), ["hop_vs_signing"] = Math.Round(sealedNanos / signedNanos, 5),
            },
        }));
        return 0;
    }

    /// <summary>Roles of ten thousand people and a thousand tenants; one after the other asks.</summary>
    private static Action AccessCheck()
    {
        AccessDocument document = new()
        {
            Version = 1,
            Assignments =
            [
                .. Enumerable.Range(0, Assignments).Select(i => new AccessDocument.Assignment
                {
                    Principal = i % 10 > 0 ? $"lepton/person-{i}" : null, Tenant = i % 10 == 0 ? $"tenant-{i}" : null,
                    Role = "service", Regions = [i % 2 == 0 ? "eu-west" : "us-east"],
                }),
            ],
            Tenants = new Dictionary<string, TenantTerms>(),
        };
        AccessSnapshot snapshot = new(document, "eu-west");
        AccessRule rule = AccessRule.For(Platform.V1.Permission.Infer);
        Caller[] callers = [.. Enumerable.Range(0, Tokens).Select(i => Caller.OfToken(
            "lepton", $"person-{i * 10}", $"tenant-{i * 10}"))];
        int asked = 0, allowed = 0;
        return () => allowed += snapshot.Allows(callers[asked++ % Tokens], rule) ? 1 : 0;
    }

    private static DefaultHttpContext Request(string token)
    {
        DefaultHttpContext request = new();
        // A string of its own, as every connection has.
        request.Request.Headers.Authorization = "Bearer " + token;
        return request;
    }

    private static Caller Named(CallerAnswer answer) =>
        answer.Caller ?? throw new InvalidOperationException(answer.Fault?.Message);
}
