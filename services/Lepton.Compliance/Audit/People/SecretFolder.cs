using System.Security.Cryptography;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit.People;

/// <summary>
/// Files with secrets: mode 0600, on disk when a call returns, overwritten before they are deleted. What a
/// copy-on-write file system or a flash disk keeps of overwritten blocks is out of a program's reach; what was there
/// is sealed with a key that is destroyed too.
/// </summary>
internal static class SecretFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int ChunkBytes = 64 << 10;

    /// <summary>Makes the folder, for its owner only.</summary>
    public static void Ensure(string folder) =>
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);

    /// <summary>Puts these bytes in the file's place, whole or not at all.</summary>
    public static void Replace(string file, ReadOnlySpan<byte> bytes)
    {
        File.Delete(file + ".new");
        using (var stream = Create(file + ".new"))
        {
            stream.Write(bytes);
            stream.Flush(flushToDisk: true);
        }
        File.Move(file + ".new", file, overwrite: true);
        DurableFolder.Flush(FolderOf(file));
    }

    /// <summary>A new file that only its owner reads.</summary>
    public static FileStream Create(string file) => new(file, new FileStreamOptions
    {
        Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.Read, UnixCreateMode = OwnerOnly,
        BufferSize = 0,
    });

    /// <summary>Overwrites, deletes, and makes both durable.</summary>
    public static void Shred(string file)
    {
        if (!File.Exists(file))
            return;
        using (FileStream stream = new(file, FileMode.Open, FileAccess.ReadWrite))
        {
            var noise = RandomNumberGenerator.GetBytes(ChunkBytes);
            for (var left = stream.Length; left > 0; left -= noise.Length)
                stream.Write(noise.AsSpan(0, (int)Math.Min(left, noise.Length)));
            stream.Flush(flushToDisk: true);
        }
        File.Delete(file);
        DurableFolder.Flush(FolderOf(file));
    }

    /// <summary>A key of 32 bytes in base64.</summary>
    /// <exception cref="InvalidDataException">It is no such file.</exception>
    public static byte[] ReadKey(string file, string setting)
    {
        try
        {
            var key = Convert.FromBase64String(File.ReadAllText(file).Trim());
            return key.Length == 32 ? key
                : throw new InvalidDataException($"{setting} takes a file with 32 bytes in base64: {file} has others.");
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{setting} takes a file with 32 bytes in base64: {file} is none.", e);
        }
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(Path.GetFullPath(file))
        ?? throw new IOException($"{file} is in no folder.");
}
