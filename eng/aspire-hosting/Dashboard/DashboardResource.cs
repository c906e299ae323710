using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Dashboard;

/// <summary>The Aspire dashboard, run like any other executable and hidden from its own list.</summary>
internal sealed class DashboardResource : ExecutableResource
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PollLimit = TimeSpan.FromSeconds(2);

    private DashboardResource(string command, DashboardSettings settings)
        : base("aspire-dashboard", command, Path.GetDirectoryName(command) ?? ".")
        => Settings = settings;

    public DashboardSettings Settings { get; }

    public static DashboardResource Create(
        ToolPaths tools, IConfiguration configuration, DashboardSettings settings, string resourceServiceUrl)
    {
        string command = tools.Dashboard ?? throw new DistributedApplicationException(
            "The Aspire dashboard was not found. Set ASPIRE_DASHBOARD_PATH to the aspire-managed executable, or "
            + "DisableDashboard in the options.");
        var dashboard = new DashboardResource(command, settings);
        // The single-file program of the Aspire CLI holds several; the dashboard's own executable is just that.
        if (Path.GetFileNameWithoutExtension(command) == "aspire-managed")
            dashboard.Annotations.Add(new CommandLineArgsCallbackAnnotation(args => args.Add("dashboard")));
        dashboard.Annotations.Add(new EnvironmentCallbackAnnotation(context =>
        {
            foreach ((string name, string? value) in EnvironmentOf(configuration, settings, resourceServiceUrl))
            {
                if (value is not null)
                    context.EnvironmentVariables[name] = value;
            }
        }));
        return dashboard;
    }

    /// <summary>Until the login page answers, or the token says stop.</summary>
    public async Task WaitUntilAnsweringAsync(CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { Timeout = PollLimit };
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri(Settings.FrontendUrl), cancellationToken)
                    .ConfigureAwait(false);
                return;
            }
            catch (Exception e) when (e is HttpRequestException || !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(PollPeriod, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static IEnumerable<(string Name, string? Value)> EnvironmentOf(
        IConfiguration configuration, DashboardSettings settings, string resourceServiceUrl)
    {
        yield return ("ASPNETCORE_URLS", settings.FrontendUrl);
        yield return ("ASPNETCORE_ENVIRONMENT", Environments.Production);
        yield return ("ASPIRE_ALLOW_UNSECURED_TRANSPORT", configuration["ASPIRE_ALLOW_UNSECURED_TRANSPORT"]);
        yield return ("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", settings.OtlpGrpcUrl);
        yield return ("ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL", settings.OtlpHttpUrl);
        yield return ("ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", resourceServiceUrl);
        yield return ("DASHBOARD__RESOURCESERVICECLIENT__AUTHMODE", "ApiKey");
        yield return ("DASHBOARD__RESOURCESERVICECLIENT__APIKEY", settings.ResourceServiceApiKey);
        yield return ("DASHBOARD__FRONTEND__PUBLICURL", settings.FrontendUrl);
        yield return ("DASHBOARD__FRONTEND__AUTHMODE", settings.BrowserToken is null ? "Unsecured" : "BrowserToken");
        yield return ("DASHBOARD__FRONTEND__BROWSERTOKEN", settings.BrowserToken);
        yield return ("DASHBOARD__OTLP__AUTHMODE", settings.OtlpApiKey is null ? "Unsecured" : "ApiKey");
        yield return ("DASHBOARD__OTLP__PRIMARYAPIKEY", settings.OtlpApiKey);
        yield return ("DASHBOARD__API__AUTHMODE", settings.TelemetryApiKey is null ? "Unsecured" : "ApiKey");
        yield return ("DASHBOARD__API__PRIMARYAPIKEY", settings.TelemetryApiKey);
        yield return ("ASPIRE_DASHBOARD_API_ENABLED", "true");
        // A server heap per core is for servers; here it costs memory that the services need.
        yield return ("DOTNET_gcServer", "0");
    }
}
