namespace Lepton.Setup;

/// <summary>One set-up at a time on a home folder. The kernel frees the lock when its holder dies.</summary>
internal static class FileLock
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(100);

    public static async Task<FileStream> AcquireAsync(string path, Action onWait, CancellationToken cancellation)
    {
        Directory.GetParent(path)?.Create();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path))
            {
                if (attempt == 0)
                    onWait();
                await Task.Delay(RetryInterval, cancellation);
            }
        }
    }
}
