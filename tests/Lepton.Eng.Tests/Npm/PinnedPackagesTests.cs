using System.Text.Json;
using System.Text.RegularExpressions;
using Lepton.Setup;
using Lepton.Setup.Feed;

namespace Lepton.Eng.Tests.Npm;

public sealed partial class PinnedPackagesTests
{
    private static readonly string[] AllProjects =
        [Repository.Paths.NpmProject, Repository.Paths.GpuNpmProject, Repository.Paths.TestNpmProject];

    public static TheoryData<string> Projects => [.. AllProjects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Lock_EveryPackage_HasAHashAndNoAddress(string project)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(project, "package-lock.json")));

        var packages = json.RootElement.GetProperty("packages").EnumerateObject()
            .Where(package => package.Name.StartsWith("node_modules/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(packages);
        Assert.All(packages, package =>
        {
            if (package.Value.TryGetProperty("link", out _))
            {
                Assert.Equal("empty", package.Value.GetProperty("resolved").GetString());
                return;
            }
            Assert.False(package.Value.TryGetProperty("resolved", out _));
            Assert.StartsWith("sha512-", package.Value.GetProperty("integrity").GetString(), StringComparison.Ordinal);
        });
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Manifest_EveryDependency_IsOneExactVersion(string project)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(project, "package.json")));

        Assert.All(json.RootElement.GetProperty("dependencies").EnumerateObject(),
            dependency => Assert.Matches(ExactVersion, dependency.Value.GetString()));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Configuration_InstallScripts_AreOff(string project) =>
        Assert.Contains("ignore-scripts=true", File.ReadAllLines(Path.Combine(project, ".npmrc")));

    [Fact]
    public void ThirdPartyList_EverythingThatSetUpBrings_IsNamedWithItsVersion()
    {
        var list = File.ReadAllLines(Path.Combine(Repository.Paths.Root, "eng", "THIRD-PARTY.md"));

        var missing = NpmPackages().Concat(FeedCatalog.Packages.Select(package => (package.Id, package.Version)))
            .Where(brought =>
                !list.Any(line => line.StartsWith($"| {brought.Id} | {brought.Version} |", StringComparison.Ordinal)));
        Assert.Empty(missing);
    }

    private static IEnumerable<(string Id, string Version)> NpmPackages()
    {
        foreach (var project in AllProjects)
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(project, "package-lock.json")));
            foreach (var package in json.RootElement.GetProperty("packages").EnumerateObject())
            {
                if (package.Value.TryGetProperty("integrity", out _))
                    yield return (package.Name["node_modules/".Length..],
                        package.Value.GetProperty("version").GetString()!);
            }
        }
    }

    [GeneratedRegex(@"^(file:empty|\d+\.\d+\.\d+(-[a-z]+\.\d+)?)$")]
    private static partial Regex ExactVersion { get; }
}
