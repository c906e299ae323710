using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Lepton.Wan;

/// <summary>
/// One direction of a connection: every byte leaves a fixed time after it came, in order, at the speed it came.
/// The end of the stream travels like a byte, so half-closed connections go on in the other direction.
/// </summary>
internal sealed class DelayLine(Socket source, Socket target, TimeSpan delay, TimeProvider time)
{
    private const int ReadBytes = 64 * 1024;

    // Bytes under way: enough for 1 Gbit/s at 110 ms one way. Beyond it the sender is held back, as TCP would.
    private const int UnderwayBytesMax = 16 * 1024 * 1024;

    private readonly Pipe pipe = new(new PipeOptions(
        pauseWriterThreshold: UnderwayBytesMax, resumeWriterThreshold: UnderwayBytesMax / 2,
        useSynchronizationContext: false));

    // One mark holds at least one byte of the pipe, which bounds them.
    private readonly Channel<Mark> marks = Channel.CreateUnbounded<Mark>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    /// <summary>How many bytes may leave at which time; none for the end of the stream.</summary>
    private readonly record struct Mark(int Bytes, long DueTimestamp);

    /// <summary>Runs to the end of the stream; a break of this direction cancels the other one too.</summary>
    public Task RunAsync(CancellationTokenSource connection) => Task.WhenAll(
        EndTogetherAsync(ReceiveAsync(connection.Token), connection),
        EndTogetherAsync(SendAsync(connection.Token), connection));

    private static async Task EndTogetherAsync(Task work, CancellationTokenSource connection)
    {
        try
        {
            await work;
        }
        catch
        {
            await connection.CancelAsync();
            throw;
        }
    }

    private async Task ReceiveAsync(CancellationToken cancellation)
    {
        var delayTicks = (long)(delay.TotalSeconds * time.TimestampFrequency);
        for (int received; ;)
        {
            received = await source.ReceiveAsync(pipe.Writer.GetMemory(ReadBytes), cancellation);
            pipe.Writer.Advance(received);
            marks.Writer.TryWrite(new Mark(received, time.GetTimestamp() + delayTicks));
            if (received == 0)
                return;
            await pipe.Writer.FlushAsync(cancellation);
        }
    }

    private async Task SendAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var mark = await marks.Reader.ReadAsync(cancellation);
            await WaitAsync(mark, cancellation);
            if (mark.Bytes == 0)
                break;
            var bytes = mark.Bytes + TakeDueBytes();
            var read = await pipe.Reader.ReadAtLeastAsync(bytes, cancellation);
            var due = read.Buffer.Slice(0, bytes);
            foreach (var segment in due)
                await SendAllAsync(segment, cancellation);
            pipe.Reader.AdvanceTo(due.End);
        }
        target.Shutdown(SocketShutdown.Send);
    }

    /// <summary>More that is due already goes with the same call.</summary>
    private int TakeDueBytes()
    {
        var bytes = 0;
        while (marks.Reader.TryPeek(out var next) && next.Bytes > 0 && next.DueTimestamp <= time.GetTimestamp()
            && marks.Reader.TryRead(out _))
            bytes += next.Bytes;
        return bytes;
    }

    private async Task WaitAsync(Mark mark, CancellationToken cancellation)
    {
        // A timer may fire a little early: never send before the time.
        for (TimeSpan left; (left = time.GetElapsedTime(time.GetTimestamp(), mark.DueTimestamp)) > TimeSpan.Zero;)
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, cancellation);
    }

    private async Task SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (bytes.Length > 0)
            bytes = bytes[await target.SendAsync(bytes, cancellation)..];
    }
}
