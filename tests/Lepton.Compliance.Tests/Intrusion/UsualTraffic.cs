using System.Net;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>
/// Random usual traffic, from a seed: people who mistype, travel by air, work from three offices behind one address
/// each, from home and from addresses that no table knows; gateways that fail over; programs in several places;
/// certificates that are renewed.
/// </summary>
internal sealed class UsualTraffic(int seed)
{
    private const int People = 100, Programs = 20;

    private static readonly string[] Networks = ["192.0.2", "198.51.100", "203.0.113"]; // DE, FR, JP
    private static readonly string[] Regions = ["eu-west", "us-east"];
    private static readonly TimeSpan Afternoon = TimeSpan.FromHours(6);

    private readonly Random _random = new(seed);
    private readonly List<SecurityEvent> _events = [];

    /// <summary>All events of so many days, by time.</summary>
    public IReadOnlyList<SecurityEvent> Days(int days)
    {
        for (int person = 0; person < People; person++)
            AddPerson(person, days);
        for (int program = 0; program < Programs; program++)
            AddProgram(program, days);
        return [.. _events.OrderBy(e => e.Time)];
    }

    private bool Chance(double p) => _random.NextDouble() < p;

    private void AddPerson(int person, int days)
    {
        string name = $"own/person{person}";
        int home = person % Networks.Length;
        // In the first week everybody goes everywhere once; later now and then. A trip takes the night.
        int[] places = [.. Enumerable.Range(0, days + 1).Select(day =>
            day is 2 or 4 ? (home + (day / 2)) % Networks.Length
            : day > 7 && Chance(0.15) ? _random.Next(Networks.Length)
            : home)];
        for (int day = 0; day < days; day++)
        {
            DateTimeOffset morning = Replay.Start + TimeSpan.FromDays(day)
                + TimeSpan.FromHours(7 + (2 * _random.NextDouble()));
            AddWork(name, person, Networks[places[day]], morning);
            if (places[day] == places[day + 1])
                AddWork(name, person, Networks[places[day]], morning + Afternoon);
        }
    }

    private void AddWork(string name, int person, string network, DateTimeOffset from)
    {
        IPAddress address = Chance(0.5) ? IPAddress.Parse($"{network}.1") // the office
            : network != Networks[person % Networks.Length] || Chance(0.8) ? IPAddress.Parse($"{network}.{10 + person}")
            : new IPAddress([10, 1, (byte)person, 1]);
        SecurityEvent e = new()
        {
            Time = from, Kind = SecurityEventKind.AuthenticationFailed, Principal = name, Tenant = "demo",
            Address = address, Region = Regions[Chance(0.02) ? 1 : 0], Client = "cli",
        };
        for (int wrong = Chance(0.1) ? _random.Next(1, 5) : 0; wrong > 0; wrong--)
            _events.Add(e = e with { Time = e.Time.AddSeconds(_random.Next(4, 40)) });
        e = e with { Kind = SecurityEventKind.AuthenticationSucceeded, Time = e.Time.AddSeconds(10) };
        _events.Add(e);
        e = e with { TokenId = $"{name}-{from.Ticks}", Thumbprint = Chance(0.5) ? $"{name}-0" : null };
        for (int uses = _random.Next(3, 15); uses > 0; uses--)
        {
            e = e with { Kind = SecurityEventKind.TokenSeen, Time = e.Time.AddSeconds(_random.Next(1, 600)) };
            if (e.Thumbprint is not null && Chance(0.02)) // renewed: the former one is not shown again
                e = e with { Thumbprint = $"{name}-{e.Time.Ticks}" };
            _events.Add(e);
            _events.Add(e with
            {
                Kind = Chance(0.05) ? SecurityEventKind.AuthorisationDenied : SecurityEventKind.AuthorisationAllowed,
                Permission = $"p{_random.Next(5)}",
            });
        }
    }

    private void AddProgram(int program, int days)
    {
        DateTimeOffset at = Replay.Start, end = at + TimeSpan.FromDays(days);
        while ((at += TimeSpan.FromMinutes(_random.Next(1, 60))) < end)
        {
            // One identity, replicas in two places, each with its own token; ten minutes of a wrong configuration.
            int replica = _random.Next(2);
            SecurityEvent e = new()
            {
                Time = at, Kind = SecurityEventKind.TokenSeen, Principal = $"own/program{program}", IsService = true,
                Address = IPAddress.Parse($"{Networks[replica]}.{200 + program}"), Region = Regions[replica],
                TokenId = $"{program}-{replica}", Thumbprint = $"program{program}-{replica}",
            };
            _events.Add(e);
            for (int i = Chance(0.01) ? 300 : 0; i > 0; i--)
                _events.Add(e with
                {
                    Kind = SecurityEventKind.AuthorisationDenied, Permission = "records.write",
                    Time = at.AddSeconds(2 * i),
                });
        }
    }
}
