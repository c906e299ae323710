using System.Diagnostics;
using System.Globalization;

namespace Aspire.Hosting.Dcp;

/// <summary>Starts DCP, which leaves this process's session, watches it, and ends everything when it is gone.</summary>
internal static class DcpProcess
{
    // Two to four seconds on an idle machine; a busy one has needed more than half a minute.
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    // What configures this process must not configure those it starts: they inherit DCP's environment.
    private static readonly string[] OwnVariables =
    [
        "ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "DOTNET_LAUNCH_PROFILE",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", "DOTNET_RESOURCE_SERVICE_ENDPOINT_URL",
    ];

    private static readonly string[] OwnPrefixes =
        ["AppHost__", "ASPIRE_DASHBOARD_", "DOTNET_DASHBOARD_", "Parameters__", "Publishing__"];

    public static async Task<string> StartAsync(string dcpPath, string folder, CancellationToken cancellationToken)
    {
        string kubeconfig = Path.Combine(folder, "kubeconfig");
        File.Delete(kubeconfig);
        var start = new ProcessStartInfo(dcpPath)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        foreach (string argument in new[]
        {
            "start-apiserver", "--detach", "--kubeconfig", kubeconfig, "--monitor-interval", "1",
            "--monitor", Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
        })
            start.ArgumentList.Add(argument);
        CleanEnvironment(start.Environment);
        start.Environment["DCP_SESSION_FOLDER"] = folder;

        using Process process = Process.Start(start)
            ?? throw new DistributedApplicationException($"Could not start {dcpPath}.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        try
        {
            // It forks and returns; reading its output to the end would wait for the fork.
            while (!process.HasExited)
                await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token).ConfigureAwait(false);
            if (process.ExitCode != 0)
                throw new DistributedApplicationException(
                    $"{dcpPath} ended with exit code {process.ExitCode}: "
                    + await process.StandardError.ReadToEndAsync(limit.Token).ConfigureAwait(false));
            while (!IsComplete(kubeconfig))
                await Task.Delay(TimeSpan.FromMilliseconds(20), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new DistributedApplicationException($"{dcpPath} did not start within {StartLimit.TotalSeconds} s.");
        }

        return kubeconfig;
    }

    private static void CleanEnvironment(IDictionary<string, string?> environment)
    {
        foreach (string name in environment.Keys.ToArray())
        {
            if (OwnVariables.Contains(name, StringComparer.OrdinalIgnoreCase)
                || OwnPrefixes.Any(p => name.StartsWith(p, StringComparison.OrdinalIgnoreCase)))
                environment.Remove(name);
        }

        // DCP keeps files under the home folder; some service managers set none.
        if (string.IsNullOrEmpty(environment.TryGetValue("HOME", out string? home) ? home : null))
            environment["HOME"] = Path.GetTempPath();
    }

    private static bool IsComplete(string kubeconfig)
        => File.Exists(kubeconfig) && File.ReadAllText(kubeconfig).Contains("token:", StringComparison.Ordinal);
}
