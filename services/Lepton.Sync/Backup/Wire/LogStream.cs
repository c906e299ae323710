using System.Buffers.Binary;
using System.Globalization;
using Lepton.Sync.Records;

namespace Lepton.Sync.Backup.Wire;

/// <summary>What a log stream brought.</summary>
/// <param name="Start">Where its bytes begin.</param>
/// <param name="Bytes">The log; valid until the next is read. Empty: a sign of life.</param>
/// <param name="ServerTime">When the server sent it.</param>
/// <param name="ServerEnd">The end of the server's log.</param>
/// <param name="WantsAnswer">The server waits for a word of what is saved: it may be shutting down.</param>
internal readonly record struct LogMessage(
    LogPosition Start, ReadOnlyMemory<byte> Bytes, DateTimeOffset ServerTime, LogPosition ServerEnd, bool WantsAnswer);

/// <summary>START_REPLICATION of the physical log, byte for byte.</summary>
internal static class LogStream
{
    // PostgreSQL counts microseconds from 2000-01-01.
    private static readonly DateTimeOffset PostgresEpoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <exception cref="BackupException">The server no longer has that part (SqlState 58P01), or refuses.</exception>
    public static async Task StartAsync(
        ReplicationLink link, string slot, LogPosition from, uint timeline, CancellationToken cancellationToken)
    {
        await link.SendQueryAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"START_REPLICATION SLOT \"{slot}\" PHYSICAL {PositionText.Of(from)} TIMELINE {timeline}"),
            cancellationToken);
        while ((await link.ReadAsync(cancellationToken)).Type is var type && type != 'W')
            if (type == 'Z')
                throw new BackupException(BackupFault.ServerUnavailable, "The database server ended the log's stream.");
    }

    /// <summary>The next message; null: the timeline ended.</summary>
    public static async Task<LogMessage?> ReadAsync(ReplicationLink link, CancellationToken cancellationToken)
    {
        for (; ; )
        {
            var message = await link.ReadAsync(cancellationToken);
            if (message.Type is 'c' or 'C' or 'Z')
                return null;
            if (message.Type != 'd' || message.Body.IsEmpty)
                continue;
            var body = message.Body;
            switch ((char)body.Span[0])
            {
                case 'w':
                    return new LogMessage(
                        Position(body, 1), body[25..], Time(body, 17), Position(body, 9), WantsAnswer: false);
                case 'k':
                    return new LogMessage(
                        default, default, Time(body, 9), Position(body, 1), WantsAnswer: body.Span[17] != 0);
            }
        }
    }

    /// <summary>Tells the server up to where its log is saved; it may forget what is before.</summary>
    public static Task ConfirmAsync(
        ReplicationLink link, LogPosition received, LogPosition saved, TimeProvider time, bool wantsAnswer,
        CancellationToken cancellationToken)
    {
        var body = new byte[34];
        body[0] = (byte)'r';
        BinaryPrimitives.WriteUInt64BigEndian(body.AsSpan(1), received.Value);
        BinaryPrimitives.WriteUInt64BigEndian(body.AsSpan(9), saved.Value);
        BinaryPrimitives.WriteUInt64BigEndian(body.AsSpan(17), saved.Value);
        BinaryPrimitives.WriteInt64BigEndian(
            body.AsSpan(25), (time.GetUtcNow() - PostgresEpoch).Ticks / TimeSpan.TicksPerMicrosecond);
        body[33] = wantsAnswer ? (byte)1 : (byte)0;
        return link.SendAsync('d', body, cancellationToken);
    }

    private static LogPosition Position(ReadOnlyMemory<byte> body, int offset) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(body.Span[offset..]));

    private static DateTimeOffset Time(ReadOnlyMemory<byte> body, int offset) => PostgresEpoch
        + TimeSpan.FromTicks(BinaryPrimitives.ReadInt64BigEndian(body.Span[offset..]) * TimeSpan.TicksPerMicrosecond);
}
