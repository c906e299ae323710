namespace Lepton.Sync.Replication.Spooling;

/// <summary>What came of reading one entry.</summary>
internal enum CursorState
{
    /// <summary>An entry.</summary>
    Read,

    /// <summary>The file ends here.</summary>
    End,

    /// <summary>The file ends within an entry.</summary>
    Torn,

    /// <summary>These are not the bytes that were written.</summary>
    Damaged,
}

/// <summary>Reads a segment's entries one after another.</summary>
internal sealed class SpoolCursor(ISpoolFile file, long offset)
{
    private const int BufferBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _at;
    private int _filled;

    /// <summary>Where the next entry begins.</summary>
    public long Offset { get; private set; } = offset;

    public async ValueTask<(CursorState State, SpoolEntry? Entry)> NextAsync(CancellationToken cancellationToken)
    {
        var there = await EnsureAsync(SpoolEntry.HeaderBytes, cancellationToken);
        if (there < SpoolEntry.HeaderBytes)
            return (there == 0 ? CursorState.End : CursorState.Torn, null);
        if (SpoolEntry.PayloadLength(_buffer.AsSpan(_at, SpoolEntry.HeaderBytes)) is not { } length)
            return (CursorState.Damaged, null);
        if (Offset + SpoolEntry.HeaderBytes + length > file.Length)
            return (CursorState.Torn, null);
        var header = _buffer.AsMemory(_at, SpoolEntry.HeaderBytes).ToArray();
        var payload = new byte[length]; // rows are slices of it and outlive the buffer
        var buffered = Math.Min(length, _filled - _at - SpoolEntry.HeaderBytes);
        _buffer.AsSpan(_at + SpoolEntry.HeaderBytes, buffered).CopyTo(payload);
        _at += SpoolEntry.HeaderBytes + buffered;
        if (buffered < length)
        {
            var rest = payload.AsMemory(buffered);
            if (await file.ReadAsync(Offset + SpoolEntry.HeaderBytes + buffered, rest, cancellationToken) < rest.Length)
                return (CursorState.Torn, null);
            (_at, _filled) = (0, 0);
        }
        if (SpoolEntry.Read(header, payload) is not { } entry)
            return (CursorState.Damaged, null);
        Offset += SpoolEntry.HeaderBytes + length;
        return (CursorState.Read, entry);
    }

    /// <summary>How many bytes the buffer holds from here, at least as many as wanted where there are.</summary>
    private async ValueTask<int> EnsureAsync(int wanted, CancellationToken cancellationToken)
    {
        if (_filled - _at >= wanted)
            return _filled - _at;
        _buffer.AsSpan(_at, _filled - _at).CopyTo(_buffer);
        (_filled, _at) = (_filled - _at, 0);
        _filled += await file.ReadAsync(Offset + _filled, _buffer.AsMemory(_filled), cancellationToken);
        return _filled;
    }
}
