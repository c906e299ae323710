namespace Lepton.Testing.Fuzzing;

/// <summary>
/// Frames that HTTP/2 (RFC 9113) forbids, and floods of frames that it allows. Each is played on a connection of its
/// own, to a method that a good call would reach.
/// </summary>
public static class Http2Attacks
{
    private const int Stream = 1;
    private const byte Whole = Http2Wire.EndHeaders | Http2Wire.EndStream;

    /// <summary>Each breaks a rule: the request must not be served.</summary>
    public static IReadOnlyDictionary<string, Func<Http2Wire, string, Task>> Violations { get; } =
        new Dictionary<string, Func<Http2Wire, string, Task>>
        {
            ["path twice"] = (w, p) => AskAsync(w, [.. Good(p)[..4], (":path", p), .. Good(p)[4..]]),
            ["no method"] = (w, p) => AskAsync(w, [.. Good(p).Where(h => h.Item1 != ":method")]),
            ["no scheme"] = (w, p) => AskAsync(w, [.. Good(p).Where(h => h.Item1 != ":scheme")]),
            ["no path"] = (w, p) => AskAsync(w, [.. Good(p).Where(h => h.Item1 != ":path")]),
            ["empty path"] = (w, p) => AskAsync(w, [.. Good(p).Select(h => h.Item1 == ":path" ? (":path", "") : h)]),
            ["unknown pseudo header"] = (w, p) => AskAsync(w, [(":color", "red"), .. Good(p)]),
            ["status in a request"] = (w, p) => AskAsync(w, [(":status", "200"), .. Good(p)]),
            ["pseudo header after another"] = (w, p) => AskAsync(w, [.. Good(p)[1..], Good(p)[0]]),
            ["upper case"] = (w, p) => AskAsync(w, [.. Good(p), ("X-Upper", "1")]),
            ["connection header"] = (w, p) => AskAsync(w, [.. Good(p), ("connection", "close")]),
            ["headers beyond the limit"] = (w, p) => AskAsync(w, [.. Good(p), .. Enumerable.Range(0, 12).Select(i =>
                ($"x-{i}", new string('v', 4000)))], parts: 4),
            ["headers far beyond the limit"] = (w, p) => AskAsync(w, [.. Good(p), .. Enumerable.Range(0, 20).Select(i =>
                ($"x-{i}", new string('v', 4000)))], parts: 6),
            ["one header beyond the limit"] = (w, p) => AskAsync(w, [.. Good(p), ("x", new string('v', 40_000))],
                parts: 3),
            ["too many headers"] = (w, p) => AskAsync(w, [.. Good(p), .. Enumerable.Range(0, 150).Select(i =>
                ($"x-{i}", "v"))]),
            ["far too many headers"] = (w, p) => AskAsync(w, [.. Good(p), .. Enumerable.Range(0, 250).Select(i =>
                ($"x-{i}", "v"))]),
            ["even stream"] = (w, p) => w.SendAsync(Http2Wire.HeadersFrame, Whole, 2, Http2Wire.Block(Good(p))),
            ["headers on stream 0"] = (w, p) =>
                w.SendAsync(Http2Wire.HeadersFrame, Whole, 0, Http2Wire.Block(Good(p))),
            ["data on an idle stream"] = (w, _) => w.SendAsync(Http2Wire.Data, Http2Wire.EndStream, Stream, [0]),
            ["frame beyond the limit"] = (w, _) => w.SendAsync(Http2Wire.Data, 0, Stream, [], announced: 0xFFFFFF),
            ["no such header index"] = (w, _) =>
                w.SendAsync(Http2Wire.HeadersFrame, Whole, Stream, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F]),
            ["header block cut"] = (w, p) =>
                w.SendAsync(Http2Wire.HeadersFrame, Whole, Stream, Http2Wire.Block(Good(p)).AsSpan(0, 20)),
            ["window of 0 more"] = (w, _) => w.SendAsync(Http2Wire.WindowUpdate, 0, 0, [0, 0, 0, 0]),
            ["window overflow"] = (w, _) => w.SendAsync(Http2Wire.WindowUpdate, 0, 0, [0x7F, 0xFF, 0xFF, 0xFF]),
            ["padding beyond the frame"] = (w, _) => w.SendAsync(
                Http2Wire.HeadersFrame, Whole | Http2Wire.Padded, Stream, [200, 0]),
            ["settings of 5 bytes"] = (w, _) => w.SendAsync(Http2Wire.Settings, 0, 0, [0, 1, 0, 0, 0]),
            ["ping of 7 bytes"] = (w, _) => w.SendAsync(Http2Wire.Ping, 0, 0, new byte[7]),
            ["continuation of nothing"] = (w, _) => w.SendAsync(Http2Wire.Continuation, 4, Stream, [0]),
            ["stream depends on itself"] = (w, _) =>
                w.SendAsync(Http2Wire.Priority, 0, Stream, [0, 0, 0, Stream, 1]),
            ["continuation flood"] = ContinuationsAsync,
        };

    /// <summary>Each obeys the rules, too often. The server may end the connection or bear it.</summary>
    public static IReadOnlyDictionary<string, Func<Http2Wire, string, Task>> Floods { get; } =
        new Dictionary<string, Func<Http2Wire, string, Task>>
        {
            ["rapid reset"] = (w, p) => RepeatAsync(w, 20_000, i => [
                .. Http2Wire.Frame(Http2Wire.HeadersFrame, Http2Wire.EndHeaders, (2 * i) + 1, Http2Wire.Block(Good(p))),
                .. Http2Wire.Frame(Http2Wire.Reset, 0, (2 * i) + 1, [0, 0, 0, 8])]),
            ["settings"] = (w, _) => RepeatAsync(w, 50_000, _ => Http2Wire.Frame(Http2Wire.Settings, 0, 0, [])),
            ["pings"] = (w, _) => RepeatAsync(w, 50_000, _ => Http2Wire.Frame(Http2Wire.Ping, 0, 0, new byte[8])),
            ["windows"] = (w, _) => RepeatAsync(w, 50_000, _ =>
                Http2Wire.Frame(Http2Wire.WindowUpdate, 0, 0, [0, 0, 0, 1])),
            ["unknown frames"] = (w, _) => RepeatAsync(w, 50_000, _ => Http2Wire.Frame(0x5A, 0xFF, 0, new byte[64])),
            ["streams that say nothing more"] = (w, p) => RepeatAsync(w, 5_000, i => Http2Wire.Frame(
                Http2Wire.HeadersFrame, Http2Wire.EndHeaders, (2 * i) + 1,
                Http2Wire.Block([.. Good(p), ("grpc-timeout", "2S")]))),
        };

    /// <summary>The headers of a good call.</summary>
    public static (string, string)[] Good(string path) =>
    [
        (":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", path),
        ("content-type", "application/grpc"), ("te", "trailers"),
    ];

    /// <summary>One byte of a message comes in time, and nothing more.</summary>
    public static async Task SlowAsync(Http2Wire wire, string path, params (string, string)[] headers)
    {
        ArgumentNullException.ThrowIfNull(wire);
        await wire.BeginAsync();
        await wire.SendAsync(Http2Wire.HeadersFrame, Http2Wire.EndHeaders, Stream,
            Http2Wire.Block([.. Good(path), ("grpc-timeout", "500m"), .. headers]));
        await wire.SendAsync(Http2Wire.Data, 0, Stream, [0]);
    }

    /// <summary>A good call.</summary>
    internal static Task AskAsync(Http2Wire wire, string path) => AskAsync(wire, Good(path));

    private static async Task AskAsync(Http2Wire wire, (string, string)[] headers, int parts = 1)
    {
        var block = Http2Wire.Block(headers);
        var size = (block.Length + parts - 1) / parts;
        for (var i = 0; i < parts; i++)
            await wire.SendAsync(i == 0 ? Http2Wire.HeadersFrame : Http2Wire.Continuation,
                (byte)(i == parts - 1 ? Http2Wire.EndHeaders : 0), Stream,
                block.AsSpan(i * size, Math.Min(size, block.Length - (i * size))));
        await wire.SendAsync(Http2Wire.Data, Http2Wire.EndStream, Stream, Damage.Frame([]));
    }

    private static async Task ContinuationsAsync(Http2Wire wire, string path)
    {
        await wire.SendAsync(Http2Wire.HeadersFrame, 0, Stream, Http2Wire.Block(Good(path)));
        await RepeatAsync(wire, 20_000, i =>
            Http2Wire.Frame(Http2Wire.Continuation, 0, Stream, Http2Wire.Block([($"x-{i}", "v")])));
    }

    private static async Task RepeatAsync(Http2Wire wire, int times, Func<int, byte[]> frame)
    {
        const int together = 100;
        for (var i = 0; i < times; i += together)
            if (!await wire.WriteAsync(Enumerable.Range(i, together).SelectMany(frame).ToArray()))
                return;
    }
}
