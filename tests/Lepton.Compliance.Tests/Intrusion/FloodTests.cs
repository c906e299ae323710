using System.Net;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>Invented names and addresses neither grow what is kept nor push out what matters (C6).</summary>
public sealed class FloodTests
{
    private const int Flood = 50_000;

    private static readonly IntrusionRules Small = Replay.Rules with
    {
        Limits = new IntrusionLimits
        {
            Principals = 100, ClaimedNames = 64, Addresses = 64, Tokens = 64, Alerts = 32, Locks = 16,
            AlertsPerMinute = 5,
        },
    };

    private readonly Replay _replay = new(Small);

    private static IPAddress AddressOf(int i) => new([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);

    private void Fail(string principal, IPAddress? address, int times = 1)
    {
        for (int i = 0; i < times; i++)
            _replay.Observe(new SecurityEvent
            {
                Time = _replay.Now, Kind = SecurityEventKind.AuthenticationFailed, Principal = principal,
                Address = address,
            });
    }

    private void Prove(string principal, string? token = null) => _replay.Observe(new SecurityEvent
    {
        Time = _replay.Now, Kind = SecurityEventKind.TokenSeen, Principal = principal, TokenId = token,
        Thumbprint = token is null ? null : "A",
    });

    private void AssertBounded()
    {
        Dictionary<string, int> max = new()
        {
            ["principals"] = 100, ["claimed_names"] = 64, ["addresses"] = 64, ["tokens"] = 64, ["alerts"] = 32,
        };
        Assert.All(_replay.Sizes, s => Assert.InRange(s.Count, 0, max[s.Table]));
    }

    [Fact]
    public void Flood_InventedNames_LeavesAKnownPrincipalsFailures()
    {
        Prove("own/alice");
        Fail("own/alice", null, 9);
        for (int i = 0; i < Flood; i++)
            Fail($"own/invented{i}", AddressOf(i));
        AssertBounded();
        Assert.Empty(_replay.Changes);

        Fail("own/alice", null);

        Assert.Equal(("principal-failures", "own/alice"),
            Assert.Single(_replay.Opened.Select(a => (a.Rule, a.Subject))));
    }

    [Fact]
    public void Flood_NamesAndAddressesSeenOnce_LeavesThoseSeenAgain()
    {
        IPAddress bad = IPAddress.Parse("203.0.113.9");
        for (int i = 0; i < 11; i++)
            Fail($"own/staff{i}", bad);
        Fail("own/unknown", null, 9);
        for (int i = 0; i < Flood; i++)
            Fail($"own/invented{i}", AddressOf(i));
        AssertBounded();
        Assert.Empty(_replay.Changes);

        Fail("own/staff11", bad);
        Fail("own/unknown", null);

        Assert.Equal(["spraying", "principal-failures"], _replay.Opened.Select(a => a.Rule));
    }

    [Fact]
    public void Flood_ManyPrincipalsAndTokens_IsBounded()
    {
        for (int i = 0; i < Flood; i++)
            Prove($"own/p{i}", $"t{i}");

        AssertBounded();
        Assert.Empty(_replay.Changes);
    }

    [Fact]
    public void Flood_OfAlertsAboutInventedNames_IsCappedAndLeavesRoomForReal()
    {
        Prove("own/alice");
        for (int i = 0; i < 1_000; i++)
            Fail($"own/invented{i}", null, 10);
        Fail("own/alice", null, 10);

        Assert.Equal(5, _replay.Opened.Count(a => a.Subject.StartsWith("own/invented", StringComparison.Ordinal)));
        Assert.Single(_replay.Opened, a => a.Subject == "own/alice");
        Assert.Equal(995, _replay.Suppressed.Count);
        AssertBounded();

        _replay.Advance(TimeSpan.FromMinutes(1));
        Fail("own/next", null, 10);
        Assert.Equal("own/next", _replay.Opened.Last().Subject);
    }

    [Fact]
    public void Flood_FromManyThreads_CountsEveryEvent()
    {
        const int Threads = 4, Each = 5_000;
        Parallel.For(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, _ =>
        {
            for (int i = 0; i < Each; i++)
                Concurrent.Observe(new SecurityEvent
                {
                    Time = Replay.Start, Kind = SecurityEventKind.AuthenticationFailed, Principal = "own/alice",
                });
        });

        // Told at each doubling from 10: 10, 20, ... 10 * 2^10; no event is lost or counted twice in between.
        Observation last = default;
        int more = 0;
        while (last.Changes is not { Count: > 0 })
        {
            more++;
            last = Concurrent.Observe(new SecurityEvent
            {
                Time = Replay.Start, Kind = SecurityEventKind.AuthenticationFailed, Principal = "own/alice",
            });
        }
        Assert.Equal(10 * 2048, last.Changes[0].Alert.Count);
        Assert.Equal((10 * 2048) - (Threads * Each), more);
    }

    private IntrusionEngine Concurrent { get; } = new(Small, new PrincipalLocks(TimeProvider.System, 16),
        new Lepton.Testing.MovableTime(Replay.Start));
}
