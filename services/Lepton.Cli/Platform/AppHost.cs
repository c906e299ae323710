using System.Diagnostics;

namespace Lepton.Cli.Platform;

/// <summary>Starts the app host so that it outlives this command, and tells what it was started with.</summary>
internal sealed class AppHost(Installation installation, Instance instance)
{
    /// <summary>
    /// The names are those of Aspire's own host and dashboard, so the real library reads them as our stand-in does.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Environment(
        Installation installation, Instance instance, UpOptions options, DashboardAccess dashboard) =>
        new Dictionary<string, string>
        {
            ["ASPNETCORE_URLS"] = dashboard.Url,
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true", // loopback; the dashboard has keys and a login token
            ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = dashboard.OtlpUrl,
            ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = options.Ports.OtlpHttp,
            ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = dashboard.ResourceServiceUrl,
            ["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"] = dashboard.LoginToken,
            ["AppHost__OtlpApiKey"] = dashboard.OtlpApiKey,
            ["ASPIRE_DASHBOARD_RESOURCESERVICE_APIKEY"] = dashboard.ResourceServiceApiKey,
            ["AppHost__DashboardApiKey"] = dashboard.TelemetryApiKey,
            [Instance.Marker] = instance.Folder,
            ["LEPTON_ROOT"] = installation.Root,
            ["LEPTON_HOME"] = installation.Home,
            ["DOTNET_NOLOGO"] = "1",
        };

    public static IReadOnlyList<string> Arguments(Installation installation, Instance instance, UpOptions options) =>
    [
        $"--Lepton:Regions={string.Join(',', options.Regions)}",
        $"--Lepton:Zones={options.Zones}",
        $"--Lepton:Profile={options.Profile}",
        $"--Lepton:Wan={(options.Wan ? "on" : "off")}",
        $"--Lepton:Records={(options.Records ? "on" : "off")}",
        $"--Lepton:BasePort={options.BasePort}",
        $"--Lepton:Home={installation.Home}",
        $"--Lepton:Instance={instance.Folder}",
        $"--Lepton:PolicyFile={installation.PolicyFile}",
    ];

    public ProcessId Start(UpOptions options, DashboardAccess dashboard, ProcessTable processes)
    {
        string binary = installation.Binary("Lepton.AppHost");
        if (!File.Exists(binary))
        {
            throw new CommandFailure(ExitCode.Failed, $"The app host is not built: {binary} is missing.")
            {
                Hints = ["Run ./lepton setup, or ./lepton up, which does the set-up itself."],
            };
        }

        // A session of its own (setsid): closing the terminal or Ctrl-C there must not reach it. exec keeps the
        // process number, so what Process reports is the app host itself.
        ProcessStartInfo start = new("/bin/sh") { WorkingDirectory = installation.Root, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec setsid \"$@\" >>\"$log\" 2>&1 </dev/null");
        start.ArgumentList.Add("lepton");
        start.ArgumentList.Add(instance.AppHostLog);
        start.ArgumentList.Add(binary);
        foreach (string argument in Arguments(installation, instance, options))
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in Environment(installation, instance, options, dashboard))
        {
            start.Environment[name] = value;
        }

        // Not an argument: a connection string holds a password, and arguments are everybody's to read.
        start.Environment["Lepton__Postgres"] = options.Postgres;
        using Process process = Process.Start(start)
            ?? throw new CommandFailure(ExitCode.Failed, "The app host could not be started.");
        return processes.Find(process.Id)?.Id
            ?? throw new CommandFailure(ExitCode.Failed, "The app host ended at once.")
        {
            Hints = LogTail.Read(instance.AppHostLog),
        };
    }
}
