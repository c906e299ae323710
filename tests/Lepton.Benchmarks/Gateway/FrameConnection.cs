using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// One h2c connection on one thread, of HTTP/2 only what the bench's request needs: cheap, so that the load generator
/// is not what is measured. Headers of answers are not decoded: an answer is good when 1 kB of data and trailers came.
/// </summary>
internal sealed partial class FrameConnection : IDisposable
{
    private const int HeaderBytes = 9, Ring = 1 << 16, Window = 1 << 30;
    private const byte Data = 0, Headers = 1, Reset = 3, Settings = 4, Ping = 6, GoAway = 7, WindowUpdate = 8;
    private const byte EndStream = 1, Ack = 1, EndHeaders = 4;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _frame = Gateway.Settings.RequestFrame();
    private readonly RequestBlock _block;
    private readonly long[] _startedAt = new long[Ring];
    private readonly int[] _received = new int[Ring];
    private readonly byte[] _output = new byte[4 << 20];
    private readonly byte[] _input = new byte[1 << 20];
    private int _outputLength, _inputLength, _nextStream = 1, _streamsMax = 100;
    private long _sendWindow = 65_535, _unacknowledged;

    public FrameConnection(int port)
    {
        _block = new RequestBlock($"{Gateway.Settings.Address}:{port}");
        if (prctl(TimerSlack, 1, 0, 0, 0) != 0)
            throw new IOException("The kernel keeps its timers coarse.");
        _socket.Connect(IPAddress.Loopback, port);
        _socket.Blocking = false;
        Put("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        Span<byte> window = stackalloc byte[6];
        BinaryPrimitives.WriteInt16BigEndian(window, 4); // SETTINGS_INITIAL_WINDOW_SIZE
        BinaryPrimitives.WriteInt32BigEndian(window[2..], Window);
        PutFrame(Settings, 0, 0, window);
        PutWindowUpdate(Window - 65_535);
    }

    /// <summary>Called with when a request was due and when its answer was whole.</summary>
    public Action<long, long> Ended { get; set; } = (_, _) => { };

    public int InFlight { get; private set; }

    public bool CanSend(int streamsMax) => InFlight < Math.Min(streamsMax, _streamsMax)
        && _sendWindow >= _frame.Length && _outputLength < _output.Length - 4096;

    public void Send(long dueAt)
    {
        int id = _nextStream, slot = (id >> 1) & (Ring - 1);
        _nextStream += 2;
        (_startedAt[slot], _received[slot]) = (dueAt, 0);
        InFlight++;
        PutFrame(Headers, EndHeaders, id, _block.Next());
        PutFrame(Data, EndStream, id, _frame);
        _sendWindow -= _frame.Length;
    }

    /// <summary>Sends what waits, and takes what comes within so long.</summary>
    public void Exchange(long ticks)
    {
        Flush();
        Wait(ticks);
        while (true)
        {
            int read = _socket.Receive(_input.AsSpan(_inputLength), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                break;
            if (error != SocketError.Success || read == 0)
                throw new IOException($"The connection was closed: {error}");
            _inputLength += read;
            Parse();
        }
        if (_unacknowledged > Window / 4)
        {
            PutWindowUpdate((int)_unacknowledged);
            _unacknowledged = 0;
        }
        Flush();
    }

    public void Dispose() => _socket.Dispose();

    private void Parse()
    {
        int at = 0;
        long now = Stopwatch.GetTimestamp();
        while (_inputLength - at >= HeaderBytes)
        {
            ReadOnlySpan<byte> head = _input.AsSpan(at, HeaderBytes);
            int length = (head[0] << 16) | (head[1] << 8) | head[2];
            if (_inputLength - at - HeaderBytes < length)
                break;
            Take(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head[5..]) & int.MaxValue,
                _input.AsSpan(at + HeaderBytes, length), now);
            at += HeaderBytes + length;
        }
        _input.AsSpan(at, _inputLength - at).CopyTo(_input);
        _inputLength -= at;
    }

    private void Take(byte type, byte flags, int stream, ReadOnlySpan<byte> payload, long now)
    {
        switch (type)
        {
            case Data or Headers:
                int slot = (stream >> 1) & (Ring - 1);
                if (type == Data)
                    _received[slot] += payload.Length;
                _unacknowledged += type == Data ? payload.Length : 0;
                if ((flags & EndStream) == 0)
                    break;
                if (type == Data || _received[slot] < 960)
                    throw new IOException($"Stream {stream} ended without 1 kB and trailers: {Legible(payload)}");
                InFlight--;
                Ended(_startedAt[slot], now);
                break;
            case Settings when (flags & Ack) == 0:
                for (; payload.Length >= 6; payload = payload[6..])
                    if (BinaryPrimitives.ReadInt16BigEndian(payload) == 3) // SETTINGS_MAX_CONCURRENT_STREAMS
                        _streamsMax = BinaryPrimitives.ReadInt32BigEndian(payload[2..]);
                PutFrame(Settings, Ack, 0, []);
                break;
            case Ping when (flags & Ack) == 0:
                PutFrame(Ping, Ack, 0, payload);
                break;
            case WindowUpdate when stream == 0:
                _sendWindow += BinaryPrimitives.ReadInt32BigEndian(payload);
                break;
            case Reset or GoAway:
                throw new IOException($"{(type == Reset ? $"Stream {stream} was reset" : "The peer goes away")}: "
                    + Convert.ToHexString(payload[..Math.Min(64, payload.Length)]));
            default: // acknowledgements, and what need not be understood
                break;
        }
    }

    // Servers here write fields as they are, without Huffman's code: what a refusal says can be read.
    private static string Legible(ReadOnlySpan<byte> block) => string.Concat(
        Encoding.Latin1.GetString(block[..Math.Min(1000, block.Length)]).Select(c => c is >= ' ' and <= '~' ? c : '.'));

    private void Flush()
    {
        while (_outputLength > 0)
        {
            int sent = _socket.Send(_output.AsSpan(0, _outputLength), SocketFlags.None, out SocketError error);
            if (error == SocketError.WouldBlock)
                return;
            if (error != SocketError.Success)
                throw new IOException($"The connection was closed: {error}");
            _output.AsSpan(sent, _outputLength - sent).CopyTo(_output);
            _outputLength -= sent;
        }
    }

    private void PutWindowUpdate(int by)
    {
        Span<byte> increment = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, by);
        PutFrame(WindowUpdate, 0, 0, increment);
    }

    private void PutFrame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteInt32BigEndian(head, payload.Length << 8);
        (head[3], head[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(head[5..], stream);
        Put(head);
        Put(payload);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_output.AsSpan(_outputLength));
        _outputLength += bytes.Length;
    }

    // Timers of .NET and of poll(2) count milliseconds; requests are due every few microseconds.
    private unsafe void Wait(long ticks)
    {
        long nanoseconds = Math.Max(0, ticks) * 1_000_000_000 / Stopwatch.Frequency;
        Poll poll = new() { File = (int)_socket.Handle, Events = (short)(1 | (_outputLength > 0 ? 4 : 0)) };
        Time time = new() { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
        if (ppoll(&poll, 1, &time, 0) < 0 && Marshal.GetLastPInvokeError() != Interrupted)
            throw new IOException($"ppoll failed: {Marshal.GetLastPInvokeError()}");
    }

    private const int TimerSlack = 29, Interrupted = 4;

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int ppoll(Poll* polls, nuint count, Time* timeout, nint signals);

    [LibraryImport("libc")]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    private struct Poll
    {
        public int File;
        public short Events, Returned;
    }

    private struct Time
    {
        public long Seconds, Nanoseconds;
    }
}
