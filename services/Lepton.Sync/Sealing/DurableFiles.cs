using System.Security.Cryptography;
using Lepton.ServiceDefaults;

namespace Lepton.Sync.Sealing;

/// <summary>
/// Files with secrets: mode 0600, on disk when a call returns, and overwritten before they are deleted. What a
/// copy-on-write file system or a flash disk keeps of overwritten blocks is out of a program's reach; README.md.
/// </summary>
internal static class DurableFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnerOnly | UnixFileMode.UserExecute;
    private const string NewSuffix = ".new";
    private const int ChunkBytes = 64 << 10;

    /// <summary>Makes the folder, for its owner only.</summary>
    public static void EnsureFolder(string folder) => Directory.CreateDirectory(folder, OwnersFolder);

    /// <summary>Puts these bytes in the file's place, whole or not at all; what was there is overwritten.</summary>
    public static void Replace(string file, ReadOnlySpan<byte> bytes)
    {
        var next = file + NewSuffix;
        Shred(next); // left by a crash
        using (var stream = Create(next))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        using var former = File.Exists(file) ? new FileStream(file, FileMode.Open, FileAccess.ReadWrite) : null;
        File.Move(next, file, overwrite: true);
        DurableFolder.Flush(FolderOf(file));
        if (former is not null)
            Overwrite(former);
    }

    /// <summary>Deletes what a crash left beside the file.</summary>
    public static void ShredLeftovers(string file) => Shred(file + NewSuffix);

    /// <summary>A new file that only its owner reads.</summary>
    /// <exception cref="IOException">It is there already.</exception>
    public static FileStream Create(string file) => new(file, new FileStreamOptions
    {
        Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Read, UnixCreateMode = OwnerOnly,
        BufferSize = 0,
    });

    /// <summary>Overwrites, deletes, and makes both durable. Nothing is done where there is no such file.</summary>
    public static void Shred(string file)
    {
        if (!File.Exists(file))
            return;
        using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite))
            Overwrite(stream);
        File.Delete(file);
        DurableFolder.Flush(FolderOf(file));
    }

    private static void Overwrite(FileStream stream)
    {
        var noise = new byte[ChunkBytes];
        RandomNumberGenerator.Fill(noise);
        stream.Position = 0;
        for (var left = stream.Length; left > 0; left -= noise.Length)
            stream.Write(noise.AsSpan(0, (int)Math.Min(left, noise.Length)));
        stream.Flush(flushToDisk: true);
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(Path.GetFullPath(file))
        ?? throw new IOException($"{file} is in no folder.");
}
