using Lepton.Sync.Records;

namespace Lepton.Sync.Replication.Spooling;

/// <summary>One who reads the spool from a position on, from memory where it keeps up, else from segments.</summary>
internal sealed class SpoolReader(Spool spool, long era, long ordinal, LogPosition after)
{
    private long _ordinal = ordinal;
    private SpoolSegment? _segment;
    private SpoolCursor? _cursor;
    private long _cursorOrdinal;

    /// <summary>What would come next was given up: whoever reads must copy.</summary>
    public bool IsLost { get; private set; }

    /// <summary>Ends when there is more, or it was lost. Take it before <see cref="TryReadAsync"/>.</summary>
    public AsyncSignal.Moment Next => spool.Changed.Next;

    /// <summary>The next entry; null: there is none now, or it is lost.</summary>
    public async ValueTask<SpoolEntry?> TryReadAsync(CancellationToken cancellationToken)
    {
        while (!IsLost)
        {
            var place = spool.Locate(era, _ordinal);
            IsLost = place.IsLost;
            var entry = place.Entry;
            if (entry is null && place.Segment is null)
                return null;
            if (entry is null && place.Segment is { } segment)
                entry = await ReadAsync(segment, cancellationToken);
            if (entry is null)
                continue;
            _ordinal++;
            if (entry.Position > after)
                return entry;
        }
        return null;
    }

    private async ValueTask<SpoolEntry?> ReadAsync(SpoolSegment segment, CancellationToken cancellationToken)
    {
        if (_segment != segment || _cursor is null || _cursorOrdinal > _ordinal)
            (_segment, _cursor, _cursorOrdinal) =
                (segment, new SpoolCursor(segment.File, segment.HeaderBytes), segment.FirstOrdinal);
        try
        {
            while (true)
            {
                var (_, entry) = await _cursor.NextAsync(cancellationToken);
                if (entry is null)
                {
                    spool.ReportDamage(segment); // it was whole when it was written
                    return null;
                }
                if (_cursorOrdinal++ == _ordinal)
                    return entry;
            }
        }
        catch (ObjectDisposedException)
        {
            return null; // given up meanwhile: the spool says so when it is asked again
        }
    }
}
