using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Lepton.Tidy.Tests;

/// <summary>What projects reference, and at which versions.</summary>
public sealed partial class ProjectTests
{
    /// <summary>Beside protos, ServiceDefaults and *.Client: the project that stands for a package.</summary>
    private static readonly string[] packageStandIns = ["Microsoft.ML.OnnxRuntime"];

    [Fact]
    public void Services_Reference_ProtosDefaultsAndClientsOnly() => Rule.Holds(
        "STYLE: a service references protos, ServiceDefaults and *.Client, never another service.",
        from project in Projects("services/")
        from reference in References(project.Xml, "ProjectReference")
        let name = Path.GetFileNameWithoutExtension(reference)
        where name is not ("Lepton.Protos" or "Lepton.ServiceDefaults")
            && !name.EndsWith(".Client", StringComparison.Ordinal) && !packageStandIns.Contains(name)
        select $"{project.Path} references {name}");

    [Fact]
    public void Clients_Reference_ProtosAndDefaultsOnly() => Rule.Holds(
        "DESIGN: a *.Client library stands on the protos, and on ServiceDefaults where it calls and checks for itself.",
        from project in Projects("services/")
        where project.Path.EndsWith(".Client.csproj", StringComparison.Ordinal)
        from reference in References(project.Xml, "ProjectReference")
        where Path.GetFileNameWithoutExtension(reference) is not ("Lepton.Protos" or "Lepton.ServiceDefaults")
        select $"{project.Path} references {reference}");

    [Fact]
    public void PackageVersions_AreExactAndCentral()
    {
        XDocument central = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props"));

        Rule.Holds("Versions are exact and in Directory.Packages.props only.",
        [
            .. central.Descendants("PackageVersion")
                .Where(p => !ExactVersion().IsMatch(p.Attribute("Version")?.Value ?? ""))
                .Select(p => $"Directory.Packages.props: {p}"),
            .. from project in Projects("")
               from package in project.Xml.Descendants("PackageReference")
               where package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null
               select $"{project.Path}: {package}",
        ]);
    }

    [Fact]
    public void NpmVersions_AreExact() => Rule.Holds(
        "npm packages are pinned to one version, and the lock names hashes, not addresses.",
        Repository.Files.Where(f => f.EndsWith("package.json", StringComparison.Ordinal)).SelectMany(file =>
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, file)));
            return new[] { "dependencies", "devDependencies", "optionalDependencies" }
                .Where(group => json.RootElement.TryGetProperty(group, out _))
                .SelectMany(group => json.RootElement.GetProperty(group).EnumerateObject())
                .Where(p => !ExactVersion().IsMatch(p.Value.GetString()!)
                    && !p.Value.GetString()!.StartsWith("file:", StringComparison.Ordinal))
                .Select(p => $"{file}: {p.Name} {p.Value}")
                .ToArray();
        }));

    [Fact]
    public void NpmLocks_HoldHashesAndNoAddresses() => Rule.Holds(
        "A lock entry without a hash is not verified; one with an address names a registry.",
        Repository.Files.Where(f => f.EndsWith("package-lock.json", StringComparison.Ordinal)).SelectMany(file =>
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, file)));
            return json.RootElement.GetProperty("packages").EnumerateObject()
                .Where(p => p.Name.StartsWith("node_modules/", StringComparison.Ordinal))
                .Where(p => p.Value.TryGetProperty("resolved", out JsonElement resolved)
                    ? !IsLocal(p.Value, resolved)
                    : !p.Value.TryGetProperty("integrity", out _))
                .Select(p => $"{file}: {p.Name}")
                .ToArray();
        }));

    [Fact]
    public void Dockerfiles_BaseImages_AreTagged() => Rule.Holds(
        "A base image without a version changes under us.",
        Repository.Files.Where(f => Path.GetFileName(f).StartsWith("Dockerfile", StringComparison.Ordinal))
            .SelectMany(f => new TextFile(f, File.ReadAllLines(Path.Combine(Repository.Root, f)))
                .Where(line => BaseImage().Match(line) is { Success: true } m && !IsPinned(m.Groups[1].Value, f))));

    /// <summary>An empty stand-in package, linked from the folder beside the lock.</summary>
    private static bool IsLocal(JsonElement package, JsonElement resolved) =>
        package.TryGetProperty("link", out _) && !resolved.GetString()!.Contains("://", StringComparison.Ordinal);

    private static bool IsPinned(string image, string file)
    {
        string[] stages = [.. File.ReadLines(Path.Combine(Repository.Root, file))
            .Select(l => StageName().Match(l)).Where(m => m.Success).Select(m => m.Groups[1].Value)];
        return stages.Contains(image) || image == "scratch" || image.StartsWith('$')
            || (image.Contains(':') && !image.EndsWith(":latest", StringComparison.Ordinal));
    }

    private static IEnumerable<(string Path, XDocument Xml)> Projects(string under) => Repository.Files
        .Where(f => f.StartsWith(under, StringComparison.Ordinal) && f.EndsWith(".csproj", StringComparison.Ordinal))
        .Select(f => (f, XDocument.Load(Path.Combine(Repository.Root, f))));

    private static IEnumerable<string> References(XDocument project, string kind) =>
        project.Descendants(kind).Select(r => r.Attribute("Include")?.Value ?? "");

    [GeneratedRegex(@"^\d+\.\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?$")]
    private static partial Regex ExactVersion();

    [GeneratedRegex(@"^\s*FROM\s+(?:--\S+\s+)*(\S+)", RegexOptions.IgnoreCase)]
    private static partial Regex BaseImage();

    [GeneratedRegex(@"^\s*FROM\s+.*\s+AS\s+(\S+)", RegexOptions.IgnoreCase)]
    private static partial Regex StageName();
}
