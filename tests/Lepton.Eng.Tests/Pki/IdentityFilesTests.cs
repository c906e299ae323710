using System.Text.Json;
using Lepton.Setup.Pki;

namespace Lepton.Eng.Tests.Pki;

/// <summary>C1: what the identity service starts with is made once, and for its owner's eyes.</summary>
public sealed class IdentityFilesTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Folder => Path.Combine(directory.Path, IdentityFiles.Folder);

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Ensure_Twice_KeepsWhatWasMade()
    {
        IdentityFiles.Ensure(directory.Path);
        var first = Directory.EnumerateFiles(Folder).Order().Select(File.ReadAllText).ToList();

        IdentityFiles.Ensure(directory.Path);

        Assert.Equal(3, first.Count);
        Assert.Equal(first, Directory.EnumerateFiles(Folder).Order().Select(File.ReadAllText));
    }

    [Fact]
    public void Ensure_Files_AreTheOwnersOnlyAndHoldWhatTheServiceTakes()
    {
        IdentityFiles.Ensure(directory.Path);

        Assert.All(Directory.EnumerateFiles(Folder), file =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(32, Convert.FromBase64String(File.ReadAllText(Path.Combine(Folder, "master.key"))).Length);
        Assert.Equal(24, File.ReadAllText(Path.Combine(Folder, "admin.password")).Trim().Length);
        using var seed = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "seed.json")));
        var admin = seed.RootElement.GetProperty("users")[0];
        Assert.Equal(("admin", "platform", "admin.password"), (admin.GetProperty("name").GetString(),
            admin.GetProperty("tenant").GetString(), admin.GetProperty("passwordFile").GetString()));
    }
}
