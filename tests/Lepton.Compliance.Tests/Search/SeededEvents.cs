using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Tests.Search;

/// <summary>Events by a seed, of few values each, so that filters find some; and filters, likewise.</summary>
internal sealed class SeededEvents(int seed)
{
    public static readonly string[] Tenants = ["demo", "harbour-bank", "platform", ""];

    private static readonly string[] s_words =
        ["drained", "node", "refused", "token", "expired", "policy", "border", "quota", "disk", "Slow", "O'Hara"];

    private readonly Random _random = new(seed);

    public AuditEvent Next(DateTimeOffset at)
    {
        AuditEvent e = new()
        {
            Id = new Guid(Bytes(16)).ToString("N"),
            EventTime = at.AddSeconds(-_random.Next(600)).ToTimestamp(),
            Category = (AuditCategory)_random.Next(1, 8),
            Outcome = (AuditOutcome)(_random.Next(10) < 7 ? 1 : _random.Next(2, 4)),
            Action = Action(),
            Tenant = Pick(Tenants),
            Resource = _random.Next(4) == 0 ? "" : Resource(),
            Subject = _random.Next(5) == 0 ? Subject() : "",
            Message = string.Join(' ', Enumerable.Range(0, _random.Next(6)).Select(_ => Pick(s_words))),
            Region = "eu-west",
            Zone = "a",
            Service = Service(),
            Process = "p",
            TraceId = _random.Next(20) == 0 ? "" : Trace(),
            DecisionId = _random.Next(3) == 0 ? $"d{_random.Next(40)}" : "",
            Details = { ["kind"] = "seeded" },
        };
        if (_random.Next(12) != 0)
            e.Actor = new AuditActor { Principal = Actor(out bool service), Service = service, Address = "192.0.2.7" };
        return e;
    }

    /// <summary>One to three conditions.</summary>
    public AuditFilter Filter(DateTimeOffset from, DateTimeOffset to)
    {
        AuditFilter filter = new();
        for (int i = _random.Next(1, 4); i > 0; i--)
            switch (_random.Next(13))
            {
                case 0: filter.Tenant = Pick(Tenants.AsSpan(0, 3)); break;
                case 1: filter.Actor = Actor(out _); break;
                case 2: filter.Subject = Subject(); break;
                case 3: filter.Resource = Resource(); break;
                case 4: filter.Action = Action(); break;
                case 5: filter.Category = (AuditCategory)_random.Next(1, 8); break;
                case 6: filter.Outcome = (AuditOutcome)_random.Next(1, 4); break;
                case 7: filter.Text = Word(); break;
                case 8: filter.TraceId = Trace(); break;
                case 9: filter.DecisionId = $"d{_random.Next(40)}"; break;
                case 10: filter.FromTime = Within(from, to).ToTimestamp(); break;
                case 11: filter.ToTime = Within(from, to).ToTimestamp(); break;
                default: filter.Service = Service(); break;
            }
        if (filter.FromTime is { } a && filter.ToTime is { } b && a >= b)
            filter.ToTime = null;
        return filter;
    }

    public int Below(int max) => _random.Next(max);

    /// <summary>What a filter means, by looking at each.</summary>
    public static bool Finds(AuditFilter filter, AuditEvent e, DateTimeOffset written) =>
        (filter.Tenant.Length == 0 || e.Tenant == filter.Tenant)
        && (filter.Actor.Length == 0 || e.Actor?.Principal == filter.Actor)
        && (filter.Subject.Length == 0 || e.Subject == filter.Subject)
        && (filter.Resource.Length == 0 || e.Resource == filter.Resource)
        && (filter.Action.Length == 0 || e.Action == filter.Action)
        && (filter.Category == 0 || e.Category == filter.Category)
        && (filter.Outcome == 0 || e.Outcome == filter.Outcome)
        && (filter.TraceId.Length == 0 || e.TraceId == filter.TraceId)
        && (filter.DecisionId.Length == 0 || e.DecisionId == filter.DecisionId)
        && (filter.Service.Length == 0 || e.Service == filter.Service)
        && (filter.FromTime is null || written >= filter.FromTime.ToDateTimeOffset())
        && (filter.ToTime is null || written < filter.ToTime.ToDateTimeOffset())
        && filter.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(word => e.Message
            .Split([' ', '\''], StringSplitOptions.RemoveEmptyEntries).Any(w => word.EndsWith('*')
                ? w.StartsWith(word[..^1], StringComparison.OrdinalIgnoreCase)
                : w.Equals(word, StringComparison.OrdinalIgnoreCase)
                    || word.Split('\'').Contains(w, StringComparer.OrdinalIgnoreCase) && word.Contains('\'')));

    private string Word() => _random.Next(4) switch
    {
        0 => Pick(s_words) + " " + Pick(s_words),
        1 => Pick(s_words.AsSpan(0, 10))[..3] + "*",
        2 => Pick(s_words).ToUpperInvariant(),
        _ => Pick(s_words),
    };

    private string Actor(out bool service)
    {
        service = _random.Next(3) == 0;
        return service ? $"service/eu-west/s{_random.Next(4)}" : $"lepton/p{_random.Next(12)}";
    }

    private string Subject() => $"subject-{_random.Next(15)}";

    private string Resource() => $"nodes/n{_random.Next(25)}";

    private string Action() => Pick(["nodes.drain", "infer", "roles.grant", "policy.activate", "token.issue"]);

    private string Service() => Pick(["routing", "sync", "identity"]);

    private string Trace() => $"{_random.Next(200):x32}";

    private DateTimeOffset Within(DateTimeOffset from, DateTimeOffset to) => from + (to - from) * _random.NextDouble();

    private string Pick(ReadOnlySpan<string> of) => of[_random.Next(of.Length)];

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }
}
