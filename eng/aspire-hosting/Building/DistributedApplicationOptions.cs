namespace Aspire.Hosting;

public sealed class DistributedApplicationOptions
{
    public string[]? Args { get; set; }

    /// <summary>The app host's assembly. Default: the entry assembly.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>The folder that relative paths start from. Default: the app host's project folder.</summary>
    public string? ProjectDirectory { get; set; }

    public string? DashboardApplicationName { get; set; }

    public bool DisableDashboard { get; set; }

    /// <summary>True: the dashboard may be served over plain http. Default: false.</summary>
    public bool AllowUnsecuredTransport { get; set; }
}
