using System.Reflection;

namespace Aspire.Hosting;

/// <summary>What build/Aspire.Hosting.AppHost.targets wrote into the app host's assembly.</summary>
internal static class AppHostMetadata
{
    public const string ProjectDirectory = "apphostprojectpath";
    public const string DcpPath = "dcpclipath";
    public const string DashboardPath = "aspiredashboardpath";

    /// <summary>Before a project file's path: the key of its built assembly's path.</summary>
    public const string TargetPathPrefix = "projecttargetpath:";

    public static string? Read(Assembly? assembly, string key)
        => assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(a => string.Equals(a.Key, key, StringComparison.OrdinalIgnoreCase))?.Value;
}

/// <param name="Assembly">The app host's, whose metadata names tools and built projects.</param>
internal sealed record AppHost(Assembly? Assembly);
