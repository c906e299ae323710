using System.Globalization;
using Lepton.ServiceDefaults;
using Microsoft.Win32.SafeHandles;

namespace Lepton.Sync.Replication.Spooling;

/// <summary>Segments in a folder that only their owner may read: rows are sealed, but whose they are is not.</summary>
internal sealed class SpoolDirectory : ISpoolFiles
{
    private const string Suffix = ".spool";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string _path;

    public SpoolDirectory(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly | UnixFileMode.UserExecute);
        _path = path;
    }

    public IReadOnlyList<long> List()
    {
        List<long> numbers = [];
        foreach (var file in Directory.EnumerateFiles(_path, "*" + Suffix))
            if (long.TryParse(Path.GetFileNameWithoutExtension(file), NumberStyles.None, CultureInfo.InvariantCulture,
                out var number))
                numbers.Add(number);
        numbers.Sort();
        return numbers;
    }

    public ISpoolFile Create(long number)
    {
        var file = new Segment(PathOf(number), FileMode.CreateNew);
        DurableFolder.Flush(_path);
        return file;
    }

    public ISpoolFile Open(long number) => new Segment(PathOf(number), FileMode.Open);

    public void Delete(long number) => File.Delete(PathOf(number));

    private string PathOf(long number) =>
        Path.Combine(_path, number.ToString("D16", CultureInfo.InvariantCulture) + Suffix);

    private sealed class Segment : ISpoolFile
    {
        private readonly SafeFileHandle _handle;
        private long _length;

        public Segment(string path, FileMode mode)
        {
            _handle = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete,
                FileOptions.Asynchronous);
            if (mode == FileMode.CreateNew)
                File.SetUnixFileMode(_handle, OwnerOnly);
            _length = RandomAccess.GetLength(_handle);
        }

        public long Length => Interlocked.Read(ref _length);

        public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            await RandomAccess.WriteAsync(_handle, bytes, _length, cancellationToken);
            Interlocked.Add(ref _length, bytes.Length);
        }

        // fsync blocks; a thread of the pool waits for it.
        public ValueTask FlushAsync(CancellationToken cancellationToken) =>
            new(Task.Run(() => RandomAccess.FlushToDisk(_handle), cancellationToken));

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var read = 0;
            while (read < buffer.Length)
            {
                var more = await RandomAccess.ReadAsync(_handle, buffer[read..], offset + read, cancellationToken);
                if (more == 0)
                    break;
                read += more;
            }
            return read;
        }

        public void Cut(long length)
        {
            RandomAccess.SetLength(_handle, length);
            RandomAccess.FlushToDisk(_handle);
            Interlocked.Exchange(ref _length, length);
        }

        public void Dispose() => _handle.Dispose();
    }
}
