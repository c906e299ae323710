using System.Net;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>
/// Two simulated weeks, the second after everybody's learning period. The seed is the test's argument and replays it:
/// <c>dotnet test tests/Lepton.Compliance.Tests --filter UsualTraffic</c>.
/// </summary>
public sealed class UsualTrafficTests
{
    private const int Days = 14;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20_260_514)]
    public void Weeks_UsualTraffic_AlertNobody(int seed)
    {
        Replay replay = new(Replay.Rules);
        IReadOnlyList<SecurityEvent> events = new UsualTraffic(seed).Days(Days);
        foreach (SecurityEvent e in events)
            replay.Observe(e);

        Assert.InRange(events.Count, 30_000, 300_000);
        Assert.Equal([], replay.Opened.Select(a => $"seed {seed}: {a.Rule} {a.Subject} {a.LastTime:u} {a.Detail}"));
        Assert.Empty(replay.Suppressed);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Weeks_AttacksInUsualTraffic_AlertThoseAndNobodyElse(int seed)
    {
        Replay replay = new(Replay.Rules);
        DateTimeOffset at = Replay.Start.AddDays(10).AddHours(12);
        SecurityEvent attack = new()
        {
            Time = at, Kind = SecurityEventKind.AuthenticationFailed,
            Address = IPAddress.Parse("203.0.113.254"),
        };
        SecurityEvent[] attacks =
        [
            .. Enumerable.Range(0, 15).Select(i => attack with
            {
                Time = at.AddMinutes(i), Principal = $"own/person{80 + i}",
            }),
            .. Enumerable.Range(0, 6).Select(i => attack with
            {
                Time = at.AddSeconds(i), Kind = SecurityEventKind.AuthorisationDenied, Principal = "own/person7",
                Permission = $"secret{i}",
            }),
        ];
        foreach (SecurityEvent e in new UsualTraffic(seed).Days(Days).Concat(attacks).OrderBy(e => e.Time))
            replay.Observe(e);

        // Person 7 works on while locked or not, as the traffic has it.
        Assert.Equal(["privilege-probing own/person7", "spraying 203.0.113.254"],
            replay.Opened.Where(a => a.Rule != "locked-principal").Select(a => $"{a.Rule} {a.Subject}").Order());
    }
}
