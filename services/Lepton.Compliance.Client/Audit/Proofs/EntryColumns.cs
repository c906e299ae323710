using System.Text.Json.Serialization;
using Google.Protobuf;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>
/// What an entry is found by. All of it follows from the stored bytes, so that a column that somebody changed is found
/// by comparing. Texts are empty where the event has none; times are whole microseconds.
/// </summary>
public sealed record EntryColumns
{
    /// <summary>Its place in the log, from 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was written, in microseconds since 1970.</summary>
    public required long WriteTimeMicros { get; init; }

    /// <summary>When it happened, in microseconds since 1970.</summary>
    public required long EventTimeMicros { get; init; }

    /// <summary>The event's id.</summary>
    public required Guid EventId { get; init; }

    /// <summary>AuditCategory's number.</summary>
    public required short Category { get; init; }

    /// <summary>AuditOutcome's number.</summary>
    public required short Outcome { get; init; }

    /// <summary>What was done.</summary>
    public required string Action { get; init; }

    /// <summary>Why not.</summary>
    public required string Reason { get; init; }

    /// <summary>For whom.</summary>
    public required string Tenant { get; init; }

    /// <summary>To what.</summary>
    public required string Resource { get; init; }

    /// <summary>Where.</summary>
    public required string Region { get; init; }

    /// <summary>In which zone.</summary>
    public required string Zone { get; init; }

    /// <summary>By which service.</summary>
    public required string Service { get; init; }

    /// <summary>By which of its processes.</summary>
    public required string Process { get; init; }

    /// <summary>The effective data class.</summary>
    public required string DataClass { get; init; }

    /// <summary>The routing decision.</summary>
    public required string DecisionId { get; init; }

    /// <summary>The policy in force.</summary>
    public required string PolicyVersion { get; init; }

    /// <summary>The trace.</summary>
    public required string TraceId { get; init; }

    /// <summary>The actor where it is a program; empty for a person.</summary>
    public required string Actor { get; init; }

    /// <summary>The actor's blind index where it is a person, 16 bytes; null: it is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] // required: none is said, too
    public required byte[]? ActorIndex { get; init; }

    /// <summary>The data subject's blind index, 16 bytes; null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)] // required: none is said, too
    public required byte[]? SubjectIndex { get; init; }

    /// <summary>What words are looked for in.</summary>
    public required string Text { get; init; }

    /// <summary>Of an entry.</summary>
    /// <exception cref="InvalidDataException">The entry lacks what every entry has.</exception>
    public static EntryColumns Of(AuditEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Event is not { EventTime: not null } e || entry.WriteTime is null
            || !Guid.TryParseExact(entry.Event.Id, "N", out var id))
            throw new InvalidDataException("The bytes are no entry: event, event_time, id or write_time is missing.");
        return new EntryColumns
        {
            Sequence = (long)entry.Sequence,
            WriteTimeMicros = Micros(entry.WriteTime),
            EventTimeMicros = Micros(e.EventTime),
            EventId = id,
            Category = (short)e.Category,
            Outcome = (short)e.Outcome,
            Action = e.Action,
            Reason = e.Reason,
            Tenant = e.Tenant,
            Resource = e.Resource,
            Region = e.Region,
            Zone = e.Zone,
            Service = e.Service,
            Process = e.Process,
            DataClass = e.DataClass,
            DecisionId = e.DecisionId,
            PolicyVersion = e.PolicyVersion,
            TraceId = e.TraceId,
            Actor = e.Actor?.Principal ?? "",
            ActorIndex = entry.Actor?.Index.ToByteArray(),
            SubjectIndex = entry.Subject?.Index.ToByteArray(),
            Text = e.Message,
        };
    }

    /// <summary>Of an entry's stored bytes.</summary>
    /// <exception cref="InvalidDataException">They are no entry.</exception>
    public static EntryColumns Of(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Of(AuditEntry.Parser.ParseFrom(bytes));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new InvalidDataException("The bytes are no entry.", e);
        }
    }

    /// <summary>Which columns say something else; empty: none.</summary>
    public IReadOnlyList<string> Differences(EntryColumns other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return
        [
            .. typeof(EntryColumns).GetProperties().Where(p => p.PropertyType == typeof(byte[])
                ? !Same((byte[]?)p.GetValue(this), (byte[]?)p.GetValue(other))
                : p.Name != "EqualityContract" && !Equals(p.GetValue(this), p.GetValue(other)))
                .Select(p => p.Name),
        ];
    }

    /// <summary>The same values: what <see cref="Differences"/> finds nothing in, without reflection.</summary>
    public bool IsSame(EntryColumns other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Same(ActorIndex, other.ActorIndex) && Same(SubjectIndex, other.SubjectIndex)
            && (this with { ActorIndex = null, SubjectIndex = null })
                == (other with { ActorIndex = null, SubjectIndex = null });
    }

    /// <summary>Microseconds since 1970 of a time, what is finer cut off.</summary>
    public static long Micros(Google.Protobuf.WellKnownTypes.Timestamp time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return (time.Seconds * 1_000_000) + (time.Nanos / 1000);
    }

    private static bool Same(byte[]? a, byte[]? b) =>
        (a is null) == (b is null) && a.AsSpan().SequenceEqual(b);
}
