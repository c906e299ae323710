using Lepton.Sync.Replication.Spooling;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3: segments as real files.</summary>
public sealed class SpoolDirectoryTests : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("lepton-spool-").FullName;

    [Fact]
    public async Task Files_WrittenCutAndOpenedAgain_AreWhatWasWritten()
    {
        SpoolDirectory directory = new(Path.Combine(_path, "spool"));
        using (ISpoolFile file = directory.Create(7))
        {
            await file.AppendAsync(new byte[] { 1, 2, 3 }, default);
            await file.AppendAsync(new byte[] { 4, 5 }, default);
            await file.FlushAsync(default);
        }
        directory.Create(12).Dispose();
        await File.WriteAllTextAsync(Path.Combine(_path, "spool", "notes.txt"), "not ours");

        using ISpoolFile again = directory.Open(7);
        again.Cut(4);
        byte[] read = new byte[10];

        Assert.Equal([7, 12], directory.List());
        Assert.Equal(2, await again.ReadAsync(2, read, default));
        Assert.Equal([3, 4], read[..2]);
        Assert.Equal(4, again.Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(Directory.EnumerateFiles(Path.Combine(_path, "spool"), "*.spool").First()));
        directory.Delete(7);
        Assert.Equal([12], directory.List());
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
