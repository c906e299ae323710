using System.Runtime.InteropServices;

namespace Lepton.ServiceDefaults;

/// <summary>A new file's name outlives a power cut only when its folder was flushed; .NET opens no folders.</summary>
public static partial class DurableFolder
{
    private const int ReadOnlyDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// <summary>Returns when what was made, renamed or deleted in it is on the disk.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IOException">It could not be flushed.</exception>
    public static void Flush(string path)
    {
        var handle = Open(path, ReadOnlyDirectory);
        if (handle < 0)
            throw new IOException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (Sync(handle) != 0)
                throw new IOException($"{path} cannot be flushed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
