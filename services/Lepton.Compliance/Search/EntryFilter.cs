using System.Globalization;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Search;

/// <summary>What to find, read from the wire. Empty texts and zeros hold for all.</summary>
internal sealed record EntryFilter
{
    private const int TextMax = 256, WordsMax = 8;

    /// <summary>Empty: every tenant's.</summary>
    public required string Tenant { get; init; }

    public required string Actor { get; init; }

    public required string Subject { get; init; }

    public required string Resource { get; init; }

    public required string Action { get; init; }

    public required short Category { get; init; }

    public required short Outcome { get; init; }

    /// <summary>Words; one with a star at its end is a beginning.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    public required string TraceId { get; init; }

    public required string DecisionId { get; init; }

    public required Guid? EventId { get; init; }

    public required string Service { get; init; }

    /// <summary>Written then or later.</summary>
    public required DateTime? From { get; init; }

    /// <summary>Written before.</summary>
    public required DateTime? To { get; init; }

    /// <summary>It says nothing but when: then an export is of a range without gaps.</summary>
    public bool IsTimeOnly => Tenant.Length == 0 && Actor.Length == 0 && Subject.Length == 0 && Resource.Length == 0
        && Action.Length == 0 && Category == 0 && Outcome == 0 && Words.Count == 0 && TraceId.Length == 0
        && DecisionId.Length == 0 && EventId is null && Service.Length == 0;

    /// <summary>Reads it.</summary>
    /// <exception cref="Grpc.Core.RpcException">A field is wrong.</exception>
    public static EntryFilter Read(AuditFilter? wire, string region)
    {
        wire ??= new AuditFilter();
        if (wire.Region.Length > 0 && wire.Region != region)
            throw RpcErrors.FieldInvalid("filter.region", $"takes {region}; another region's log is asked there");
        if (!Enum.IsDefined(wire.Category))
            throw RpcErrors.FieldInvalid("filter.category", "takes a category");
        if (!Enum.IsDefined(wire.Outcome))
            throw RpcErrors.FieldInvalid("filter.outcome", "takes an outcome");
        EntryFilter filter = new()
        {
            Tenant = Text("tenant", wire.Tenant),
            Actor = Text("actor", wire.Actor),
            Subject = Text("subject", wire.Subject),
            Resource = Text("resource", wire.Resource),
            Action = Text("action", wire.Action),
            Category = (short)wire.Category,
            Outcome = (short)wire.Outcome,
            Words = WordsOf(Text("text", wire.Text)),
            TraceId = Hex("trace_id", wire.TraceId),
            DecisionId = Text("decision_id", wire.DecisionId),
            EventId = Hex("event_id", wire.EventId) is { Length: > 0 } id ? Guid.ParseExact(id, "N") : null,
            Service = Text("service", wire.Service),
            From = Time("from_time", wire.FromTime),
            To = Time("to_time", wire.ToTime),
        };
        return filter.From >= filter.To
            ? throw RpcErrors.FieldInvalid("filter.to_time", "takes a time after from_time")
            : filter;
    }

    private static string Text(string field, string text) => text.Length <= TextMax && !text.Contains('\0')
        ? text
        : throw RpcErrors.FieldInvalid($"filter.{field}", $"takes {TextMax} characters at most, none of them 0");

    private static string Hex(string field, string text) =>
        text.Length == 0 || (text.Length == 32 && text.All(char.IsAsciiHexDigitLower))
            ? text
            : throw RpcErrors.FieldInvalid($"filter.{field}", "takes 32 lower-case hex digits");

    private static string[] WordsOf(string text)
    {
        string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length <= WordsMax && words.All(w => w.Any(char.IsLetterOrDigit))
            ? words
            : throw RpcErrors.FieldInvalid(
                "filter.text", $"takes {WordsMax} words at most, each with a letter or digit");
    }

    // Whole microseconds, as the log has them: rounded up, so that bounds mean what they say.
    private static DateTime? Time(string field, Google.Protobuf.WellKnownTypes.Timestamp? time)
    {
        if (time is null)
            return null;
        if (time.Seconds is < 0 or > 4_102_444_800 || time.Nanos is < 0 or > 999_999_999)
            throw RpcErrors.FieldInvalid($"filter.{field}",
                string.Create(CultureInfo.InvariantCulture, $"takes a time from 1970 to 2100, not {time.Seconds} s"));
        return EntryTable.TimeOf((time.Seconds * 1_000_000) + ((time.Nanos + 999) / 1000));
    }
}
