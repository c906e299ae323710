using System.Globalization;
using System.Net;
using System.Text.Json;
using Lepton.Compliance.Client.Intrusion;
using Lepton.Testing;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>
/// An engine on a clock that events move. A sequence is a file of JSON lines: the first says which alerts it opens,
/// each other one an event, <c>at</c> a time from the start, <c>repeat</c> times <c>every</c> so often; <c>{n}</c> in a
/// text counts them from 1.
/// </summary>
internal sealed class Replay
{
    public static readonly DateTimeOffset Start = new(2030, 5, 6, 0, 0, 0, TimeSpan.Zero);

    private readonly MovableTime _time = new(Start);
    private readonly IntrusionEngine _engine;

    public Replay(IntrusionRules rules)
    {
        Locks = new PrincipalLocks(_time, rules.Limits.Locks);
        _engine = new IntrusionEngine(rules, Locks, _time);
    }

    /// <summary>
    /// The shipped rules with places for the networks that documentation may use (RFC 5737, RFC 3849).
    /// </summary>
    public static IntrusionRules Rules { get; } = WithPlaces(
        RulesReader.Load(Path.Combine(AppContext.BaseDirectory, "intrusion.json")));

    public PrincipalLocks Locks { get; }

    public DateTimeOffset Now => _time.GetUtcNow();

    public IReadOnlyList<(string Table, int Count)> Sizes => _engine.Sizes;

    public List<AlertChange> Changes { get; } = [];

    public List<string> Suppressed { get; } = [];

    public int LocksRefused { get; private set; }

    public IEnumerable<Alert> Opened => Changes.Where(c => c.Opened).Select(c => c.Alert);

    public void Advance(TimeSpan by) => _time.Advance(by);

    public Observation Observe(in SecurityEvent e)
    {
        if (e.Time > Now)
            _time.Advance(e.Time - Now);
        Observation observed = _engine.Observe(e);
        Changes.AddRange(observed.Changes);
        Suppressed.AddRange(observed.Suppressed);
        LocksRefused += observed.LocksRefused;
        return observed;
    }

    /// <summary>Replays a file and gives the rules whose alerts it says it opens.</summary>
    public IReadOnlyList<string> Run(string file)
    {
        string[] lines = File.ReadAllLines(
            Path.Combine(AppContext.BaseDirectory, "Intrusion", "Sequences", file + ".jsonl"));
        foreach (SecurityEvent e in lines.Skip(1).SelectMany(Read).OrderBy(e => e.Time))
            Assert.True(Observe(e).Taken);
        using JsonDocument head = JsonDocument.Parse(lines[0]);
        return [.. head.RootElement.GetProperty("expect").EnumerateArray().Select(r => r.GetString()!)];
    }

    private static IEnumerable<SecurityEvent> Read(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        Dictionary<string, string> fields = document.RootElement.EnumerateObject()
            .ToDictionary(p => p.Name, p => p.Value.ToString());
        int repeat = int.Parse(fields.GetValueOrDefault("repeat", "1"), CultureInfo.InvariantCulture);
        TimeSpan at = Span("at"), every = fields.ContainsKey("every") ? Span("every") : TimeSpan.Zero;
        for (int n = 1; n <= repeat; n++)
        {
            string? Text(string name) => fields.TryGetValue(name, out string? text)
                ? text.Replace("{n}", n.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                : null;
            yield return new SecurityEvent
            {
                Time = Start + at + ((n - 1) * every),
                Kind = Enum.Parse<SecurityEventKind>(fields["kind"]),
                Principal = Text("principal"),
                IsService = Text("service") == "True",
                Tenant = Text("tenant"),
                Address = Text("address") is { } address ? IPAddress.Parse(address) : null,
                Thumbprint = Text("thumbprint"),
                TokenId = Text("token"),
                Region = Text("region"),
                Permission = Text("permission"),
            };
        }

        TimeSpan Span(string name) => TimeSpan.ParseExact(fields[name], "c", CultureInfo.InvariantCulture);
    }

    private static IntrusionRules WithPlaces(IntrusionRules rules) => rules with
    {
        Places = new PlaceTable(
        [
            (IPNetwork.Parse("192.0.2.0/24"), new Place("DE", 50.1, 8.7)),
            (IPNetwork.Parse("198.51.100.0/24"), new Place("FR", 48.9, 2.4)),
            (IPNetwork.Parse("203.0.113.0/24"), new Place("JP", 35.7, 139.7)),
            (IPNetwork.Parse("2001:db8:81::/48"), new Place("JP", 35.7, 139.7)),
        ],
        new Dictionary<string, Place>
        {
            ["eu-west"] = new("IE", 53.3, -6.3), ["us-east"] = new("US", 39.0, -77.5),
        }),
    };
}
