using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Dashboard;

/// <summary>Where the dashboard listens and the keys that it and its clients use.</summary>
internal sealed record DashboardSettings(
    string FrontendUrl, string OtlpGrpcUrl, string OtlpHttpUrl, string? BrowserToken, string? OtlpApiKey,
    string? TelemetryApiKey, string ResourceServiceApiKey)
{
    private const string FrontendKey = "ASPNETCORE_URLS";
    private const string OtlpGrpcKey = "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL";
    private const string OtlpHttpKey = "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL";
    private const int TokenBytes = 16;

    /// <summary>Makes the keys that configuration does not name, and holds to https unless told otherwise.</summary>
    public static void FillIn(
        ConfigurationManager configuration, DistributedApplicationOptions options, IHostEnvironment environment)
    {
        if (options.DisableDashboard)
            return;
        configuration["AppHost:DashboardApplicationName"]
            = options.DashboardApplicationName ?? environment.ApplicationName;
        configuration["AppHost:OtlpApiKey"] ??= NewToken();
        configuration["AppHost:DashboardApiKey"] ??= NewToken();
        configuration["AppHost:BrowserToken"] = configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"]
            ?? configuration["DOTNET_DASHBOARD_FRONTEND_BROWSERTOKEN"]
            ?? configuration["AppHost:BrowserToken"]
            ?? NewToken();
        configuration["AppHost:ResourceService:ApiKey"] = configuration["ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY"]
            ?? configuration["DOTNET_DASHBOARD_RESOURCESERVICE_APIKEY"]
            ?? NewToken();
        if (options.AllowUnsecuredTransport)
            configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
    }

    public static DashboardSettings From(IConfiguration configuration)
    {
        string frontend = UrlOf(configuration, FrontendKey).Split(';')[0].TrimEnd('/');
        bool unsecured = configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] is "true" or "True" or "1";
        if (!unsecured && !frontend.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            throw new DistributedApplicationException(
                "The 'applicationUrl' setting must be an https address unless the 'ASPIRE_ALLOW_UNSECURED_TRANSPORT' "
                + "environment variable is set to true.");
        return new DashboardSettings(
            frontend,
            UrlOf(configuration, OtlpGrpcKey),
            UrlOf(configuration, OtlpHttpKey),
            configuration["AppHost:BrowserToken"],
            configuration["AppHost:OtlpApiKey"],
            configuration["AppHost:DashboardApiKey"],
            configuration["AppHost:ResourceService:ApiKey"] ?? NewToken());
    }

    /// <summary>Where a resource sends telemetry, and by which protocol.</summary>
    public static (string Url, string Protocol) OtlpFor(IConfiguration configuration, OtlpProtocol? required)
        => required switch
        {
            OtlpProtocol.HttpProtobuf => (UrlOf(configuration, OtlpHttpKey), "http/protobuf"),
            OtlpProtocol.HttpJson => (UrlOf(configuration, OtlpHttpKey), "http/json"),
            _ => (UrlOf(configuration, OtlpGrpcKey), "grpc"),
        };

    /// <summary>What is not configured gets a free port, once: the choice goes into the configuration.</summary>
    private static string UrlOf(IConfiguration configuration, string key)
    {
        lock (configuration)
        {
            string? url = configuration[key];
            if (string.IsNullOrEmpty(url))
            {
                url = string.Create(CultureInfo.InvariantCulture, $"http://localhost:{EndpointAllocator.FreePort()}");
                configuration[key] = url;
            }

            return url;
        }
    }

    private static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes));
}
