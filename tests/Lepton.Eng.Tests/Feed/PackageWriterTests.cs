using System.IO.Compression;
using System.Xml.Linq;
using Lepton.Setup.Bundles;
using Lepton.Setup.Feed;

namespace Lepton.Eng.Tests.Feed;

public sealed class PackageWriterTests
{
    private static readonly FeedPackage Package =
        new("Some.Package", "1.2.3", "MIT", "Somebody", new FeedDependency("Other", "2.0.0"))
    {
        FrameworkReference = "Microsoft.AspNetCore.App",
    };

    private static readonly PackageAssembly Assembly = new("lib/net8.0/Some.Package.dll", [1, 2, 3]);

    [Fact]
    public void Pack_SameContent_SameBytes() =>
        Assert.Equal(PackageWriter.Pack(Package, [Assembly]), PackageWriter.Pack(Package, [Assembly]));

    [Fact]
    public void Pack_Assembly_LiesWhereThePublisherPutsIt()
    {
        using var archive = Open(PackageWriter.Pack(Package, [Assembly]));

        Assert.Equal(["Some.Package.nuspec", "lib/net8.0/Some.Package.dll"],
            archive.Entries.Select(entry => entry.FullName));
        Assert.All(archive.Entries, entry => Assert.Equal(1980, entry.LastWriteTime.Year));
    }

    [Fact]
    public void Pack_Metadata_IsNuGets()
    {
        using var archive = Open(PackageWriter.Pack(Package, [Assembly]));
        using var nuspec = archive.Entries[0].Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().Single();
        var schema = metadata.Name.Namespace;

        Assert.Equal("Some.Package", metadata.Element(schema + "id")!.Value);
        Assert.Equal("1.2.3", metadata.Element(schema + "version")!.Value);
        Assert.Equal("MIT", metadata.Element(schema + "license")!.Value);
        var group = metadata.Element(schema + "dependencies")!.Elements().Single();
        Assert.Equal("net8.0", group.Attribute("targetFramework")!.Value);
        Assert.Equal("2.0.0", group.Elements().Single().Attribute("version")!.Value);
        Assert.Equal("Microsoft.AspNetCore.App",
            metadata.Descendants(schema + "frameworkReference").Single().Attribute("name")!.Value);
    }

    [Fact]
    public void Pack_WithoutAssembly_SupportsItsFramework()
    {
        using var archive = Open(PackageWriter.Pack(Package, []));

        Assert.Equal("lib/net10.0/_._", archive.Entries[1].FullName);
    }

    [Fact]
    public void Catalog_EveryPackage_LiesInTheBundleAtThatVersion()
    {
        using var bundle = new BundleReader(Repository.Paths.DashboardProgram);
        var assemblies = new PackageAssemblies(bundle);

        // Grpc.AspNetCore has no assembly of its own.
        Assert.All(FeedCatalog.Packages, package =>
            Assert.Equal(package.Id == "Grpc.AspNetCore" ? 0 : 1, assemblies.Of(package).Count));
    }

    [Fact]
    public void Catalog_DependencyWithinIt_HasThePackedVersion()
    {
        var versions = FeedCatalog.Packages.ToDictionary(package => package.Id, package => package.Version);

        Assert.All(FeedCatalog.Packages.SelectMany(package => package.Dependencies)
            .Where(need => versions.ContainsKey(need.Id)),
            need => Assert.Equal(versions[need.Id], need.Version));
    }

    private static ZipArchive Open(byte[] package) => new(new MemoryStream(package));
}
