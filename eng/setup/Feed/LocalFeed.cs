using System.Security.Cryptography;
using System.Text.Json;
using Lepton.Setup.Bundles;
using Lepton.Setup.Outputs;

namespace Lepton.Setup.Feed;

/// <summary>
/// The folder of repacked packages that the repository's nuget.config names. NuGet may read it meanwhile, so files
/// are put in place one by one, the stamp last.
/// </summary>
internal sealed class LocalFeed(SetupPaths paths)
{
    // Raise when the way of packing changes.
    private const string Recipe = "1";

    private static readonly string[] UserConfigurationFiles =
        [".nuget/NuGet/NuGet.Config", ".config/NuGet/NuGet.Config"];

    private string Stamp => Path.Combine(paths.Feed, ".stamp");

    public bool IsCurrent() => File.Exists(Stamp) && File.ReadAllText(Stamp) == Inputs();

    public async Task<int> BuildAsync(CancellationToken cancellation)
    {
        Directory.CreateDirectory(paths.Feed);
        var catalog = FeedCatalog.Packages;
        var missing = await SourceProbe.MissingAsync(catalog, Path.Combine(paths.Home, "probe"), cancellation);
        File.Delete(Stamp);
        var hashes = new Dictionary<FeedPackage, string>();
        using (var bundle = new BundleReader(paths.DashboardProgram))
        {
            var assemblies = new PackageAssemblies(bundle);
            foreach (var package in catalog.Where(package => missing.Contains(package.Id)))
            {
                var content = PackageWriter.Pack(package, assemblies.Of(package));
                Put(package.FileName, content);
                hashes[package] = Convert.ToBase64String(SHA512.HashData(content));
            }
        }
        foreach (var file in Directory.EnumerateFiles(paths.Feed).Except(hashes.Keys.Select(Place)).ToList())
            File.Delete(file);
        foreach (var package in catalog)
            DropStaleExtraction(package, hashes.GetValueOrDefault(package));
        await File.WriteAllTextAsync(Stamp, Inputs(), cancellation);
        return hashes.Count;
    }

    private string Place(FeedPackage package) => Path.Combine(paths.Feed, package.FileName);

    private void Put(string name, byte[] content)
    {
        var place = Path.Combine(paths.Feed, name);
        if (File.Exists(place) && File.ReadAllBytes(place).AsSpan().SequenceEqual(content))
            return;
        var fresh = Path.Combine(paths.Feed, $".{name}.new");
        File.WriteAllBytes(fresh, content);
        File.Move(fresh, place, overwrite: true);
    }

    /// <summary>
    /// NuGet never looks at a package again once it is unpacked: an older repack, or a repack of what the sources
    /// hold by now, must go from the repository's packages folder.
    /// </summary>
    private void DropStaleExtraction(FeedPackage package, string? hash)
    {
        var folder = Path.Combine(paths.Packages, package.Id.ToLowerInvariant(), package.Version);
        var metadata = Path.Combine(folder, ".nupkg.metadata");
        if (!File.Exists(metadata))
            return;
        using var json = JsonDocument.Parse(File.ReadAllBytes(metadata));
        var source = json.RootElement.GetProperty("source").GetString() ?? "";
        var fromFeed = Path.IsPathRooted(source) || source.StartsWith("file:", StringComparison.Ordinal);
        var packed = Path.Combine(folder, $"{package.Id}.{package.Version}.nupkg.sha512".ToLowerInvariant());
        if (fromFeed && (hash is null || !File.Exists(packed) || File.ReadAllText(packed) != hash))
            Directory.Delete(folder, recursive: true);
    }

    private string Inputs() => InputHash.Of(
    [
        Recipe,
        File.ReadAllText(Path.Combine(paths.Tools, "dashboard", ".stamp")),
        .. UserConfigurations(),
        .. FeedCatalog.Packages.Select(package => $"{package} {string.Join(' ', package.Dependencies)}"),
    ]);

    /// <summary>Other sources may hold other packages.</summary>
    private static IEnumerable<string> UserConfigurations()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return UserConfigurationFiles
            .Select(name => Path.Combine(home, name))
            .Select(path => File.Exists(path) ? File.ReadAllText(path) : "");
    }
}
