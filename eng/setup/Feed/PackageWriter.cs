using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace Lepton.Setup.Feed;

/// <summary>Writes a .nupkg whose bytes depend on nothing but its content: fixed order and times.</summary>
internal static class PackageWriter
{
    private static readonly XNamespace Schema = "http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd";

    // The first moment that a zip file can state.
    private static readonly DateTimeOffset EntryTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static byte[] Pack(FeedPackage package, IReadOnlyList<PackageAssembly> assemblies)
    {
        using var buffer = new MemoryStream();
        using (var archive = new ZipArchive(buffer, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, $"{package.Id}.nuspec", Encoding.UTF8.GetBytes(Nuspec(package, assemblies)));
            foreach (var assembly in assemblies)
                Add(archive, assembly.Path, assembly.Content);
            // NuGet's mark for "this framework is supported and brings no file".
            if (assemblies.Count == 0)
                Add(archive, $"lib/{package.TargetFramework}/_._", []);
        }
        return buffer.ToArray();
    }

    private static void Add(ZipArchive archive, string path, byte[] content)
    {
        // Stored, not deflated: a zlib of another version may give other bytes.
        var entry = archive.CreateEntry(path, CompressionLevel.NoCompression);
        entry.LastWriteTime = EntryTime;
        using var stream = entry.Open();
        stream.Write(content);
    }

    private static string Nuspec(FeedPackage package, IReadOnlyList<PackageAssembly> assemblies)
    {
        var framework = assemblies.Count == 0 ? package.TargetFramework : assemblies[0].Path.Split('/')[1];
        var metadata = new XElement(Schema + "metadata",
            new XElement(Schema + "id", package.Id),
            new XElement(Schema + "version", package.Version),
            new XElement(Schema + "authors", package.Authors),
            new XElement(Schema + "license", new XAttribute("type", "expression"), package.License),
            new XElement(Schema + "description",
                $"The assemblies of {package.Id} {package.Version}, repacked by Lepton's set-up from the Aspire CLI."),
            new XElement(Schema + "dependencies",
                new XElement(Schema + "group", new XAttribute("targetFramework", framework),
                    package.Dependencies.Select(DependencyElement))));
        if (package.FrameworkReference is { } reference)
            metadata.Add(new XElement(Schema + "frameworkReferences",
                new XElement(Schema + "group", new XAttribute("targetFramework", framework),
                    new XElement(Schema + "frameworkReference", new XAttribute("name", reference)))));
        return new XElement(Schema + "package", metadata) + "\n";
    }

    private static XElement DependencyElement(FeedDependency dependency) =>
        new(Schema + "dependency",
            new XAttribute("id", dependency.Id),
            new XAttribute("version", dependency.Version),
            dependency.Include is { } include ? new XAttribute("include", include) : null);
}
