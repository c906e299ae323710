using System.Runtime.InteropServices;

namespace Lepton.Sync.Client;

/// <summary>A new file's name outlives a power cut only when its folder was flushed; .NET opens no folders.</summary>
internal static partial class FolderFlush
{
    private const int ReadOnlyDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC

    /// <exception cref="IOException">It could not be flushed.</exception>
    public static void Flush(string path)
    {
        var handle = Open(path, ReadOnlyDirectory);
        if (handle < 0)
            throw new IOException($"{path} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        var failed = Sync(handle) != 0;
        var why = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(handle);
        if (failed)
            throw new IOException($"{path} cannot be flushed: {why}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
