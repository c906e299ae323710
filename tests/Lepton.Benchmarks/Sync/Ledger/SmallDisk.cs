using System.Diagnostics;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>A disk of half a gigabyte that can be filled: a file system of its own, for which it takes root.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int ChunkBytes = 1 << 20;
    private readonly string _root = Directory.CreateTempSubdirectory("lepton-disk-").FullName;

    public SmallDisk() => Run("mount", "-t", "tmpfs", "-o", "size=512m,mode=0755", "tmpfs", _root);

    private string Ballast => Path.Combine(_root, "ballast");

    public string Folder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>Until nothing can be written any more.</summary>
    public void Fill()
    {
        byte[] chunk = new byte[ChunkBytes];
        try
        {
            using FileStream ballast = new(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
            while (true)
                ballast.Write(chunk);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void Empty() => File.Delete(Ballast);

    public ValueTask DisposeAsync()
    {
        Run("umount", "-l", _root);
        Directory.Delete(_root);
        return ValueTask.CompletedTask;
    }

    private static void Run(string program, params string[] args)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })
            ?? throw new InvalidOperationException($"no {program}");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"bench ledger needs a file system of its own: {error.Trim()}");
    }
}
