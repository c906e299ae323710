using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dcp;

/// <summary>Where the orchestrator and the dashboard are: by environment (ASPIRE_DCP_PATH, ASPIRE_DASHBOARD_PATH: a
/// file or the folder it is in), else as the app host's assembly says.</summary>
internal sealed record ToolPaths(string Dcp, string? Dashboard)
{
    public static ToolPaths Find(IConfiguration configuration, Assembly? appHost)
    {
        string? dcp = configuration["DcpPublisher:CliPath"]
            ?? configuration["ASPIRE_DCP_PATH"]
            ?? AppHostMetadata.Read(appHost, AppHostMetadata.DcpPath);
        string? dashboard = configuration["ASPIRE_DASHBOARD_PATH"]
            ?? AppHostMetadata.Read(appHost, AppHostMetadata.DashboardPath);
        return new ToolPaths(
            Resolve(dcp, "dcp") ?? throw new DistributedApplicationException(
                $"The Aspire orchestration component is not installed at \"{dcp}\". The application cannot be run "
                + "without it. Set ASPIRE_DCP_PATH to the dcp executable."),
            Resolve(dashboard, "aspire-managed"));
    }

    private static string? Resolve(string? path, string fileName)
    {
        if (string.IsNullOrEmpty(path))
            return null;
        string file = Directory.Exists(path) ? Path.Combine(path, fileName) : path;
        return File.Exists(file) ? Path.GetFullPath(file) : null;
    }
}
