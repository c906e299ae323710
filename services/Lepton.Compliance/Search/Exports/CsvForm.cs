using System.Globalization;
using System.Text;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search.Exports;

/// <summary>
/// RFC 4180: a header line, CRLF, cells with commas, quotes or line ends in quotes, UTF-8. A cell that a spreadsheet would
/// take for a formula begins with an apostrophe: principals are claimed by anybody.
/// </summary>
internal sealed class CsvForm(Stream to, EntryOpener opener) : IEntryForm
{
    private static readonly (string Name, Func<FoundEntry, string> Of)[] Columns =
    [
        ("log", e => e.Log),
        ("sequence", e => e.Sequence.ToString(CultureInfo.InvariantCulture)),
        ("write_time", e => Time(e.WriteTime)),
        ("event_time", e => Time(e.Event.EventTime)),
        ("event_id", e => e.Event.Id),
        ("category", e => e.Event.Category.ToString().ToUpperInvariant()),
        ("action", e => e.Event.Action),
        ("outcome", e => e.Event.Outcome.ToString().ToUpperInvariant()),
        ("reason", e => e.Event.Reason),
        ("message", e => e.Event.Message),
        ("actor", e => e.Event.Actor?.Principal ?? ""),
        ("actor_kind", e => e.ActorErased ? "erased" : e.Event.Actor is { } a ? a.Service ? "service" : "person" : ""),
        ("actor_client", e => e.Event.Actor?.Client ?? ""),
        ("actor_address", e => e.Event.Actor?.Address ?? ""),
        ("tenant", e => e.Event.Tenant),
        ("resource", e => e.Event.Resource),
        ("subject", e => e.Event.Subject),
        ("subject_erased", e => e.SubjectErased ? "true" : "false"),
        ("region", e => e.Event.Region),
        ("zone", e => e.Event.Zone),
        ("service", e => e.Event.Service),
        ("process", e => e.Event.Process),
        ("data_class", e => e.Event.DataClass),
        ("decision_id", e => e.Event.DecisionId),
        ("policy_version", e => e.Event.PolicyVersion),
        ("trace_id", e => e.Event.TraceId),
        ("details", e => string.Join("; ", e.Event.Details.OrderBy(d => d.Key, StringComparer.Ordinal)
            .Select(d => $"{d.Key}={d.Value}"))),
    ];

    /// <summary>The columns' names, in their order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Columns.Select(c => c.Name)];

    public Task BeginAsync(CancellationToken cancellationToken) => LineAsync(Names, cancellationToken);

    public Task WriteAsync(StoredEntry entry, CancellationToken cancellationToken)
    {
        var found = opener.Open(entry);
        return LineAsync(Columns.Select(c => c.Of(found)), cancellationToken);
    }

    public Task EndAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>One cell.</summary>
    internal static string Cell(string text)
    {
        if (text is ['=' or '+' or '-' or '@' or '\t' or '\r', ..])
            text = "'" + text;
        return text.AsSpan().IndexOfAny(",\"\r\n") < 0
            ? text
            : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private async Task LineAsync(IEnumerable<string> cells, CancellationToken cancellationToken) =>
        await to.WriteAsync(Encoding.UTF8.GetBytes(string.Join(',', cells.Select(Cell)) + "\r\n"), cancellationToken);

    private static string Time(Google.Protobuf.WellKnownTypes.Timestamp? time) =>
        time?.ToDateTimeOffset().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture) ?? "";
}
