using System.Text.Json;
using System.Xml.Linq;

namespace Lepton.Setup.Feed;

/// <summary>
/// Asks the user's own NuGet sources which packages they lack, by an ordinary restore of a project that downloads
/// every one of them.
/// </summary>
internal static class SourceProbe
{
    // "Unable to find package": no such id, no such version, no stable version.
    private static readonly string[] MissingCodes = ["NU1101", "NU1102", "NU1103"];

    public static async Task<IReadOnlySet<string>> MissingAsync(
        IReadOnlyList<FeedPackage> packages, string scratch, CancellationToken cancellation)
    {
        if (Directory.Exists(scratch))
            Directory.Delete(scratch, recursive: true);
        Directory.CreateDirectory(scratch);
        try
        {
            WriteProject(packages, scratch);
            var result = await Command.RunAsync(
                "dotnet", ["restore", "probe.csproj", "--nologo", "-v", "quiet"], scratch,
                new Dictionary<string, string?>(), cancellation);
            return ReadMissing(Path.Combine(scratch, "obj", "project.assets.json"), result);
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private static void WriteProject(IReadOnlyList<FeedPackage> packages, string scratch)
    {
        var downloads = packages.Select(package => new XElement("PackageDownload",
            new XAttribute("Include", package.Id), new XAttribute("Version", $"[{package.Version}]")));
        new XElement("Project", new XAttribute("Sdk", "Microsoft.NET.Sdk"),
            new XElement("PropertyGroup", new XElement("TargetFramework", "net10.0")),
            new XElement("ItemGroup", downloads)).Save(Path.Combine(scratch, "probe.csproj"));
        // The repository's build files and its feed do not take part; a package found earlier does not either.
        foreach (var name in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
            new XElement("Project").Save(Path.Combine(scratch, name));
        new XElement("configuration",
            new XElement("config", Entry("globalPackagesFolder", "packages")),
            new XElement("disabledPackageSources", Entry("lepton-feed", "true")))
            .Save(Path.Combine(scratch, "nuget.config"));
    }

    private static XElement Entry(string key, string value) =>
        new("add", new XAttribute("key", key), new XAttribute("value", value));

    private static HashSet<string> ReadMissing(string assets, CommandResult result)
    {
        if (!File.Exists(assets))
            throw new SetupException($"dotnet restore gave no answer (exit {result.ExitCode}):\n{result.Tail()}");
        using var json = JsonDocument.Parse(File.ReadAllBytes(assets));
        var missing = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        if (!json.RootElement.TryGetProperty("logs", out var logs))
            return missing;
        foreach (var log in logs.EnumerateArray().Where(log => log.GetProperty("level").GetString() == "Error"))
        {
            // A source that does not answer says nothing about what it holds.
            if (!MissingCodes.Contains(log.GetProperty("code").GetString()) ||
                !log.TryGetProperty("libraryId", out var id))
                throw new SetupException($"A NuGet source cannot be used: {log.GetProperty("message").GetString()}");
            missing.Add(id.GetString() ?? "");
        }
        return missing;
    }
}
