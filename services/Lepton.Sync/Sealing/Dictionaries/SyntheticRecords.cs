using System.Globalization;
using System.Text;

namespace Lepton.Sync.Sealing.Dictionaries;

/// <summary>
/// Records that nobody wrote: typical forms filled by chance from a seed. Dictionaries are trained on them, so that no
/// dictionary, which every node has in clear, holds a word of anybody's data.
/// </summary>
internal static class SyntheticRecords
{
    private const int DictionaryBytes = 32 << 10;
    private const int Samples = 1500;

    private static readonly string[] Fields =
    [
        "id", "name", "type", "status", "created_at", "updated_at", "email", "phone", "address", "city", "country",
        "amount", "currency", "description", "value", "unit", "tenant", "region", "version", "tags", "metadata",
        "first_name", "last_name", "birth_date", "postal_code", "street", "quantity", "price", "total", "items",
        "order_id", "customer_id", "patient_id", "account_id", "device_id", "session_id", "user_id", "model", "score",
        "label", "confidence", "latitude", "longitude", "timestamp", "source", "destination", "state", "result",
        "error", "message", "code", "category", "weight", "height", "width", "language", "note", "comment", "reference",
        "active",
    ];

    private static readonly string[] Words =
    [
        "active", "pending", "done", "failed", "open", "closed", "new", "shipped", "paid", "draft", "true", "false",
        "the", "and", "of", "to", "in", "for", "with", "is", "was", "are", "not", "from", "this", "that", "have",
        "will", "order", "customer", "payment", "invoice", "delivery", "patient", "report", "account", "transfer",
        "request", "response", "sensor", "vehicle", "route", "warehouse", "analysis", "please", "contact", "received",
        "number", "standard", "express", "primary", "secondary", "north", "south", "street", "road", "avenue", "kg",
        "EUR", "USD", "eu-west", "us-east", "ap-southeast", "de", "en", "fr", "mg", "ml", "normal", "high", "low",
        "unknown", "other",
    ];

    private static readonly string[] Levels = ["INFO", "WARN", "ERROR", "DEBUG"];

    /// <summary>A dictionary of a name, from its first version's seed. libzstd must be there.</summary>
    public static byte[] Train(string name, int seed)
    {
        Random chance = new(seed);
        List<byte[]> samples = [.. Enumerable.Range(0, Samples).Select(_ => Sample(name, chance))];
        return Zstd.Train(
            samples.SelectMany(s => s).ToArray(), samples.Select(s => (nuint)s.Length).ToArray(), DictionaryBytes);
    }

    /// <summary>A record of about 100 to 2,000 bytes.</summary>
    public static byte[] Sample(string name, Random chance) => name switch
    {
        "json" => Encoding.UTF8.GetBytes(Json(chance, depth: 0)),
        "text" => Encoding.UTF8.GetBytes(chance.Next(2) == 0 ? Prose(chance) : Log(chance)),
        "binary" => Message(chance, depth: 0),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "There is no such form."),
    };

    private static string Json(Random chance, int depth)
    {
        StringBuilder text = new("{");
        var space = depth == 0 && chance.Next(2) == 0 ? " " : "";
        foreach (var field in Pick(chance, Fields, chance.Next(3, depth == 0 ? 18 : 6)))
        {
            if (text.Length > 1)
                text.Append(',').Append(space);
            text.Append(CultureInfo.InvariantCulture, $"\"{field}\":{space}{JsonValue(chance, depth)}");
        }
        return text.Append('}').ToString();
    }

    private static string JsonValue(Random chance, int depth) => chance.Next(depth < 2 ? 10 : 7) switch
    {
        0 => chance.Next(100_000).ToString(CultureInfo.InvariantCulture),
        1 => (chance.Next(1_000_000) / 100.0).ToString("F2", CultureInfo.InvariantCulture),
        2 => chance.Next(3) switch { 0 => "true", 1 => "false", _ => "null" },
        3 => $"\"{Time(chance)}\"",
        4 => $"\"{Id(chance)}\"",
        5 => $"\"{string.Join(' ', Pick(chance, Words, chance.Next(1, 8)))}\"",
        6 => $"\"{Word(chance)}\"",
        7 => $"[{string.Join(',', Pick(chance, Words, chance.Next(1, 4)).Select(w => $"\"{w}\""))}]",
        _ => Json(chance, depth + 1),
    };

    private static string Prose(Random chance)
    {
        StringBuilder text = new();
        for (var sentences = chance.Next(2, 12); sentences > 0; sentences--)
        {
            var words = string.Join(' ', Enumerable.Range(0, chance.Next(5, 16)).Select(_ => Word(chance)));
            text.Append(char.ToUpperInvariant(words[0])).Append(words.AsSpan(1)).Append(". ");
        }
        return text.ToString();
    }

    private static string Log(Random chance)
    {
        StringBuilder text = new();
        for (var lines = chance.Next(2, 10); lines > 0; lines--)
        {
            text.Append(CultureInfo.InvariantCulture, $"{Time(chance)} {Levels[chance.Next(Levels.Length)]} ")
                .AppendJoin(' ', Pick(chance, Words, chance.Next(2, 7)));
            foreach (var field in Pick(chance, Fields, chance.Next(1, 4)))
                text.Append(CultureInfo.InvariantCulture, $" {field}={chance.Next(10_000)}");
            text.Append('\n');
        }
        return text.ToString();
    }

    // Fields of protobuf's wire format: a key of number and type, then a number, eight bytes, text or a message.
    private static byte[] Message(Random chance, int depth)
    {
        List<byte> bytes = [];
        for (var (field, fields) = (1, chance.Next(3, depth == 0 ? 20 : 6)); field <= fields; field++)
        {
            var kind = chance.Next(depth < 2 ? 5 : 4);
            bytes.AddRange(Varint((ulong)field << 3 | (kind switch { 0 => 0u, 1 => 1u, _ => 2u })));
            if (kind == 0)
                bytes.AddRange(Varint((ulong)chance.Next(chance.Next(2) == 0 ? 128 : 1 << 20)));
            else if (kind == 1)
                bytes.AddRange(BitConverter.GetBytes((double)chance.Next(1000)));
            else
                AddLengthed(bytes, kind switch
                {
                    2 => Encoding.UTF8.GetBytes(Word(chance)),
                    3 => Encoding.UTF8.GetBytes(chance.Next(2) == 0 ? Id(chance) : Time(chance)),
                    _ => Message(chance, depth + 1),
                });
        }
        return [.. bytes];
    }

    private static void AddLengthed(List<byte> bytes, byte[] part)
    {
        bytes.AddRange(Varint((ulong)part.Length));
        bytes.AddRange(part);
    }

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    private static IEnumerable<string> Pick(Random chance, string[] from, int count) =>
        Enumerable.Range(0, count).Select(_ => from[chance.Next(from.Length)]);

    private static string Word(Random chance) => Words[chance.Next(Words.Length)];

    private static string Time(Random chance) => DateTimeOffset.UnixEpoch
        .AddSeconds(chance.Next(1_600_000_000, int.MaxValue))
        .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Id(Random chance)
    {
        Span<byte> bytes = stackalloc byte[16];
        chance.NextBytes(bytes);
        return new Guid(bytes).ToString();
    }
}
