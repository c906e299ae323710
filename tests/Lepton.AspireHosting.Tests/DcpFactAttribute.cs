using System.Reflection;

namespace Lepton.AspireHosting.Tests;

/// <summary>A test that needs DCP and the dashboard, which set-up brings: skipped without, a failure in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DcpFactAttribute : FactAttribute
{
    public DcpFactAttribute()
    {
        if (!IsThere("dcpclipath", "ASPIRE_DCP_PATH") || !IsThere("aspiredashboardpath", "ASPIRE_DASHBOARD_PATH"))
            Skip = Environment.GetEnvironmentVariable("CI") == "true"
                ? null
                : "DCP or the dashboard is absent; ./lepton setup brings them.";
    }

    private static bool IsThere(string metadata, string variable)
        => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable))
            || File.Exists(AppHostMetadata.Read(Assembly.GetExecutingAssembly(), metadata));
}
