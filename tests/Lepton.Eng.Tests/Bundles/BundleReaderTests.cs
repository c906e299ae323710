using System.IO.Compression;
using System.Text;
using Lepton.Setup;
using Lepton.Setup.Bundles;

namespace Lepton.Eng.Tests.Bundles;

public sealed class BundleReaderTests : IDisposable
{
    private static readonly byte[] Signature = Convert.FromHexString(
        "8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae");

    private readonly TemporaryDirectory directory = new();

    [Fact]
    public void Read_StoredAndDeflatedFiles_GivesTheirContent()
    {
        var program = Write(hostBytes: 1000);

        using var bundle = new BundleReader(program);

        Assert.Equal(["stored.txt", "folder/deflated.txt"], bundle.Entries.Select(entry => entry.Path));
        Assert.Equal("plain", Encoding.UTF8.GetString(bundle.Read(bundle.Entries[0])));
        Assert.Equal(new string('x', 5000), Encoding.UTF8.GetString(bundle.Read(bundle.Entries[1])));
    }

    [Theory]
    [InlineData((1 << 20) - 8)]
    [InlineData((1 << 20) - 1)]
    [InlineData(1 << 20)]
    [InlineData((1 << 20) + 31)]
    public void Read_SignatureAcrossAReadBorder_IsFound(int hostBytes)
    {
        using var bundle = new BundleReader(Write(hostBytes));

        Assert.Equal(2, bundle.Entries.Count);
    }

    [Fact]
    public void Open_OtherVersion_NamesBothVersions()
    {
        var refusal = Assert.Throws<SetupException>(() => new BundleReader(Write(hostBytes: 100, major: 7)));

        Assert.Contains("bundle version 7.0, known is 6", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoBundle_IsRefused()
    {
        File.WriteAllBytes(directory["program"], new byte[3_000_000]);

        Assert.Throws<SetupException>(() => new BundleReader(directory["program"]));
    }

    [Fact]
    public void Open_CutShort_IsRefused()
    {
        var program = Write(hostBytes: 100);
        using (var file = new FileStream(program, FileMode.Open))
            file.SetLength(file.Length - 10);

        Assert.Throws<SetupException>(() => new BundleReader(program));
    }

    [Fact]
    public void Open_FileOutsideTheProgram_IsRefused() =>
        Assert.Throws<SetupException>(() => new BundleReader(Write(hostBytes: 100, offsetError: 1 << 20)));

    [Fact]
    public void Read_RealDashboard_HoldsItsDependencyList()
    {
        using var bundle = new BundleReader(Repository.Paths.DashboardProgram);

        var list = Assert.Single(bundle.Entries, entry => entry.Path == "aspire-managed.deps.json");
        Assert.Contains("\"Grpc.AspNetCore/", Encoding.UTF8.GetString(bundle.Read(list)), StringComparison.Ordinal);
    }

    public void Dispose() => directory.Dispose();

    /// <summary>A program as .NET's host writer lays it out: host, offset and signature, files, header.</summary>
    private string Write(int hostBytes, uint major = 6, long offsetError = 0)
    {
        var stored = "plain"u8.ToArray();
        var original = Encoding.UTF8.GetBytes(new string('x', 5000));
        var deflated = Deflate(original);
        using var file = new FileStream(directory["program"], FileMode.Create);
        using var writer = new BinaryWriter(file);
        writer.Write(new byte[hostBytes]);
        var storedAt = hostBytes + sizeof(long) + Signature.Length;
        writer.Write((long)(storedAt + stored.Length + deflated.Length));
        writer.Write(Signature);
        writer.Write(stored);
        writer.Write(deflated);
        writer.Write(major);
        writer.Write(0u);
        writer.Write(2);
        writer.Write("bundle-id");
        writer.Write(new byte[40]);
        WriteEntry(writer, storedAt + offsetError, stored.Length, 0, "stored.txt");
        WriteEntry(writer, storedAt + stored.Length, original.Length, deflated.Length, "folder/deflated.txt");
        return directory["program"];
    }

    private static void WriteEntry(BinaryWriter writer, long offset, long size, long compressed, string path)
    {
        writer.Write(offset);
        writer.Write(size);
        writer.Write(compressed);
        writer.Write((byte)1);
        writer.Write(path);
    }

    private static byte[] Deflate(byte[] content)
    {
        using var buffer = new MemoryStream();
        using (var deflate = new DeflateStream(buffer, CompressionLevel.Optimal, leaveOpen: true))
            deflate.Write(content);
        return buffer.ToArray();
    }
}
