using Google.Protobuf;

namespace Lepton.Testing.Fuzzing;

/// <summary>Requests that are wrong in every way that gRPC over HTTP/2 offers, each with the answers that are
/// right.</summary>
/// <param name="random">Seeded.</param>
/// <param name="messages">Well-formed messages.</param>
public sealed class FuzzRequests(Random random, RandomMessages messages)
{
    private const int Ok = 0, InvalidArgument = 3, ResourceExhausted = 8, Unimplemented = 12;

    // A message that can be read may be answered by anything but a fault of the service's own: no UNKNOWN (2), no
    // ABORTED, no INTERNAL (13), no DATA_LOSS.
    private static readonly HashSet<int> Readable = [Ok, 3, 4, 5, 6, 7, 8, 9, 11, 12, 14, 16];

    private static readonly HashSet<int> Malformed = [InvalidArgument];

    // What is more than the headers may be never reaches the service. Kestrel refuses more than 100 headers or 32 KiB,
    // and ends the connection of who sends twice as much: that is an attack and not among these.
    private static readonly HashSet<int> Metadata = [.. Readable, 400, 431];

    /// <summary>How many kinds there are.</summary>
    public static int Kinds => 16;

    /// <summary>The request of one kind for this method.</summary>
    public FuzzRequest Make(FuzzTarget target, int kind)
    {
        ArgumentNullException.ThrowIfNull(target);
        var isStream = target.Method.IsClientStreaming;
        var message = messages.Make(target.Method.InputType).ToByteArray();
        var good = Damage.Frame(message);
        // A stream may be answered before its damage is read, and ends well after its last whole message.
        var cut = isStream ? Readable : Malformed;
        return kind switch
        {
            0 => new("random message", good, Readable),
            1 or 2 or 3 => new("mutated message", Damage.Frame(Damage.Mutate(random, message)), Readable),
            4 => new("truncated message", Damage.Frame(message.AsSpan(0, random.Next(message.Length + 1))), Readable),
            5 => new("deep groups", Damage.Frame([.. message, .. Damage.Groups(random.Next(101, 100_000),
                random.Next(2) == 0)]), [InvalidArgument]),
            6 => new("body cut", good.AsSpan(0, random.Next(1, good.Length)).ToArray(), cut),
            7 => new("unknown flag", Damage.Frame(message, (byte)random.Next(2, 256)), Malformed),
            8 => new("compressed flag, no encoding", Damage.Frame(message, 1), [InvalidArgument, Unimplemented]),
            9 => Compressed(message),
            10 => new("announced beyond the limit", Damage.Frame(message, 0,
                (uint)random.NextInt64((64 << 20) + 1, 1L + uint.MaxValue)), [ResourceExhausted]),
            11 => new("second message", [.. good, .. good], isStream ? Readable : Malformed),
            12 => new("other content type", good, [415]) { ContentType = Pick("application/json", "text/plain",
                "application/grpc-web", "application/x-grpc", "application/x-protobuf", null) },
            13 => new("other method", [], [404, 405]) { Method = new HttpMethod(Pick("GET", "PUT", "DELETE", "PATCH",
                "HEAD", "TRACE", "QUERY") ?? "") },
            14 => new("other path", good, [Unimplemented, 404, 400]) { Path = Pick("/", "/x", "/no.Service/Method",
                $"/{target.Method.Service.FullName}/No", $"/{target.Method.Service.FullName}/",
                $"/{target.Method.Service.FullName}/%2e%2e/x", "/" + new string('a', 4000)) },
            _ => new("metadata", good, Metadata) { Headers = Headers() },
        };
    }

    private FuzzRequest Compressed(byte[] message) => new("compressed", random.Next(2) == 0
        ? Damage.Frame(Damage.Bomb(128 << 20), 1)
        : Damage.Frame(message, 1), [Unimplemented])
    {
        Headers = [new("grpc-encoding", Pick("gzip", "deflate", "br", "nonsense") ?? "")],
    };

    private List<KeyValuePair<string, string>> Headers() => random.Next(8) switch
    {
        0 => [new("x-big", new string('b', random.Next(1000, 28_000)))],
        1 => [.. Enumerable.Range(0, random.Next(50, 180)).Select(i => KeyValuePair.Create($"x-many-{i}", "v"))],
        2 => [new("grpc-timeout", Pick("", "1", "-1S", "999999999S", "1Y", "S", "00000000n") ?? "")],
        3 => [new("x-lepton-data-class", Pick("nonsense", "", "public, eu-personal") ?? "")],
        4 => [new("x-lepton-priority", "urgent"), new("x-lepton-strategy", "nonsense")],
        5 => [new("x-lepton-tags", new string('t', random.Next(1, 20_000)))],
        6 => [new("x-lepton-hop-bin", Pick("", "!!", "AAAA", new string('A', 20_000)) ?? "")],
        _ => [new("traceparent", Pick("", "00-0-0-0", new string('0', 500)) ?? ""), new("x-user-bin", "%%%")],
    };

    private string? Pick(params string?[] of) => of[random.Next(of.Length)];
}
