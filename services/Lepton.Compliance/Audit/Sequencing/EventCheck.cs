using System.Net;
using Google.Protobuf.Collections;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit.Sequencing;

/// <summary>What is wrong with an event.</summary>
/// <param name="Field">Its path within the event, e.g. <c>actor.address</c>.</param>
/// <param name="Takes">What it takes.</param>
internal sealed record EventFault(string Field, string Takes);

/// <summary>Whether an event may be written: audit_event.proto's word, field by field.</summary>
internal static class EventCheck
{
    private const int TextMax = 256, MessageMax = 1000, DetailsMax = 16, DetailNameMax = 64;

    // 1 to 9999, as PostgreSQL and .NET both hold them.
    private const long SecondsMin = -62135596800, SecondsMax = 253402300799;

    /// <summary>The first fault; null: there is none.</summary>
    public static EventFault? Fault(AuditEvent e)
    {
        if (e.Id.Length != 32 || !e.Id.All(char.IsAsciiHexDigitLower))
            return new("id", "takes 32 lower-case hex digits of a UUID");
        if (e.EventTime is not { Nanos: >= 0 and < 1_000_000_000 } time || time.Seconds is < SecondsMin or > SecondsMax)
            return new("event_time", "takes a time from the year 1 to 9999");
        if (!Enum.IsDefined(e.Category) || e.Category == AuditCategory.Unspecified)
            return new("category", "takes a category");
        if (!Enum.IsDefined(e.Outcome) || e.Outcome == AuditOutcome.Unspecified)
            return new("outcome", "takes an outcome");
        return Required("action", e.Action) ?? Required("region", e.Region) ?? Required("service", e.Service)
            ?? Optional("reason", e.Reason) ?? Optional("message", e.Message, MessageMax)
            ?? Optional("tenant", e.Tenant) ?? Optional("resource", e.Resource) ?? Optional("subject", e.Subject)
            ?? Optional("zone", e.Zone) ?? Optional("process", e.Process) ?? Optional("data_class", e.DataClass)
            ?? Optional("decision_id", e.DecisionId) ?? Optional("policy_version", e.PolicyVersion)
            ?? Trace(e.TraceId) ?? Actor(e.Actor) ?? Details(e.Details);
    }

    private static EventFault? Actor(AuditActor? actor)
    {
        if (actor is null)
            return null;
        if (actor.Service && actor.Principal.Length == 0)
            return new("actor.principal", "is required of a program");
        return Optional("actor.principal", actor.Principal) ?? Optional("actor.client", actor.Client)
            ?? (actor.Address.Length > 0 && !IPAddress.TryParse(actor.Address, out _)
                ? new("actor.address", "takes an IPv4 or IPv6 address, or nothing")
                : Optional("actor.token_id", actor.TokenId)
                    ?? Optional("actor.certificate_thumbprint", actor.CertificateThumbprint));
    }

    private static EventFault? Details(MapField<string, string> details)
    {
        if (details.Count > DetailsMax)
            return new("details", $"takes at most {DetailsMax} names");
        foreach (var (name, value) in details)
        {
            if (name.Length is 0 or > DetailNameMax || name.Contains('\0'))
                return new("details", $"takes names of 1 to {DetailNameMax} characters");
            if (Optional("details", value) is { } fault)
                return fault;
        }
        return null;
    }

    private static EventFault? Trace(string id) => id.Length == 0 || (id.Length == 32
        && id.All(char.IsAsciiHexDigitLower)) ? null : new("trace_id", "takes 32 lower-case hex digits, or nothing");

    private static EventFault? Required(string field, string text) => text.Length == 0
        ? new(field, $"is required: 1 to {TextMax} characters")
        : Optional(field, text);

    // PostgreSQL keeps no text with U+0000.
    private static EventFault? Optional(string field, string text, int max = TextMax) => text.Length > max
        ? new(field, $"takes at most {max} characters")
        : text.Contains('\0') ? new(field, "takes no U+0000") : null;
}
