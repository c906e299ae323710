using System.Text.Json;
using Lepton.Setup.Bundles;

namespace Lepton.Setup.Feed;

/// <summary>One assembly and its place in a package, as in <c>lib/net10.0/Grpc.Net.Client.dll</c>.</summary>
internal sealed record PackageAssembly(string Path, byte[] Content);

/// <summary>Finds a package's assemblies in a bundle through the bundle's own dependency list.</summary>
internal sealed class PackageAssemblies
{
    private readonly BundleReader bundle;
    private readonly Dictionary<string, BundleEntry> entries;
    private readonly JsonElement libraries;

    public PackageAssemblies(BundleReader bundle)
    {
        this.bundle = bundle;
        entries = bundle.Entries.ToDictionary(entry => entry.Path, StringComparer.Ordinal);
        var list = bundle.Entries.SingleOrDefault(entry => entry.Path.EndsWith(".deps.json", StringComparison.Ordinal))
            ?? throw new SetupException("The Aspire bundle holds no dependency list (*.deps.json).");
        using var json = JsonDocument.Parse(bundle.Read(list));
        // One target is for any platform and empty, the other for this one.
        libraries = json.RootElement.GetProperty("targets").EnumerateObject()
            .MaxBy(target => target.Value.EnumerateObject().Count()).Value.Clone();
    }

    public IReadOnlyList<PackageAssembly> Of(FeedPackage package)
    {
        if (!libraries.TryGetProperty($"{package.Id}/{package.Version}", out var library))
            throw new SetupException($"The Aspire bundle does not hold {package.Id} {package.Version}.");
        if (!library.TryGetProperty("runtime", out var runtime))
            return [];
        return [.. runtime.EnumerateObject().Select(asset => asset.Name).Order(StringComparer.Ordinal)
            .Select(path => new PackageAssembly(path, bundle.Read(Entry(path))))];
    }

    private BundleEntry Entry(string assetPath) => entries.TryGetValue(Path.GetFileName(assetPath), out var entry)
        ? entry
        : throw new SetupException($"The Aspire bundle lists {assetPath} but does not hold it.");
}
