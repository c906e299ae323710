using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Archive;

/// <summary>The log that came and is not saved yet: one run of bytes, bounded.</summary>
internal sealed class LogBuffer(int bytesMax, LogPosition start)
{
    private readonly byte[] _bytes = new byte[bytesMax];
    private int _length;

    /// <summary>Saved up to here.</summary>
    public LogPosition Start { get; private set; } = start;

    /// <summary>Received up to here.</summary>
    public LogPosition End => new(Start.Value + (ulong)_length);

    /// <summary>When the server sent the last byte.</summary>
    public DateTimeOffset LastTime { get; private set; }

    /// <summary>When the first came, by this machine's timestamp.</summary>
    public long Since { get; private set; }

    public bool IsEmpty => _length == 0;

    public bool IsFull => _length == _bytes.Length;

    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Takes what fits; how many bytes.</summary>
    public int Take(ReadOnlySpan<byte> log, DateTimeOffset serverTime, long now)
    {
        if (_length == 0)
            Since = now;
        var taken = Math.Min(log.Length, _bytes.Length - _length);
        log[..taken].CopyTo(_bytes.AsSpan(_length));
        _length += taken;
        LastTime = serverTime;
        return taken;
    }

    /// <summary>What it holds was saved.</summary>
    public void Saved() => (Start, _length) = (End, 0);
}
