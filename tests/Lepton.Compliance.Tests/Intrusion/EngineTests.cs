using System.Net;
using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>Counts, cool-downs and locks (C6).</summary>
public sealed class EngineTests
{
    private readonly Replay _replay = new(Replay.Rules);

    private static SecurityEvent Failure(string principal, DateTimeOffset time) => new()
    {
        Time = time, Kind = SecurityEventKind.AuthenticationFailed, Principal = principal,
    };

    private void Fail(string principal, int count, TimeSpan every)
    {
        for (int i = 0; i < count; i++)
            _replay.Observe(Failure(principal, _replay.Now + every));
    }

    private void Probe(string principal, bool service = false, int count = 6)
    {
        for (int i = 0; i < count; i++)
            _replay.Observe(new SecurityEvent
            {
                Time = _replay.Now, Kind = SecurityEventKind.AuthorisationDenied, Principal = principal,
                IsService = service, Permission = $"p{i}", Tenant = "demo", Region = "eu-west",
            });
    }

    [Fact]
    public void Observe_AThousandFailures_IsOneAlertThatGrows()
    {
        Fail("own/alice", 1_000, TimeSpan.FromSeconds(1));

        Assert.Single(_replay.Opened);
        Alert[] told = [.. _replay.Changes.Select(c => c.Alert)];
        Assert.All(told, a => Assert.Equal(1ul, a.Number));
        Assert.Equal(10, told[0].Count);
        Assert.Equal(told.Select(a => a.Count).Order(), told.Select(a => a.Count));
        Assert.InRange(told[^1].Count, 940, 1_000); // told at least once a minute while it goes on
        Assert.InRange(told.Length, 5, 25);
        Assert.Equal(Alert.EventsMax, told[^1].Events.Length);
        Assert.Equal(told[0].Events[0], told[^1].Events[0]);
    }

    [Fact]
    public void Observe_AfterAPauseOfTheCoolDown_IsAnotherAlert()
    {
        Fail("own/alice", 10, TimeSpan.FromSeconds(1));
        _replay.Advance(TimeSpan.FromMinutes(59)); // within: the same attack
        Fail("own/alice", 10, TimeSpan.FromSeconds(1));
        Assert.Single(_replay.Opened);

        _replay.Advance(TimeSpan.FromMinutes(61));
        Fail("own/alice", 10, TimeSpan.FromSeconds(1));

        Assert.Equal([1ul, 2ul], _replay.Opened.Select(a => a.Number));
    }

    [Fact]
    public void Observe_LockRule_LocksForItsTimeAndNoLonger()
    {
        Probe("own/mallory");
        DateTimeOffset end = _replay.Now + TimeSpan.FromMinutes(15);
        Assert.True(_replay.Locks.IsLocked("own/mallory", out DateTimeOffset until));
        Assert.Equal(end, until);
        Assert.Equal(end, Assert.Single(_replay.Opened).LockedUntil);

        _replay.Advance(TimeSpan.FromMinutes(14));
        Probe("own/mallory"); // goes on: the lock gets no longer
        Assert.True(_replay.Locks.IsLocked("own/mallory", out until));
        Assert.Equal(end, until);

        _replay.Advance(TimeSpan.FromMinutes(1));
        Assert.False(_replay.Locks.IsLocked("own/mallory", out _));

        Probe("own/mallory"); // the same alert, a new lock, which is told
        Assert.True(_replay.Locks.IsLocked("own/mallory", out until));
        Assert.Equal(until, _replay.Changes.Last(c => c.Locked).Alert.LockedUntil);
        Assert.Single(_replay.Opened, a => a.Rule == "privilege-probing");
    }

    [Fact]
    public void Observe_Program_IsNeverLocked()
    {
        Probe("own/batch", service: true);

        Alert alert = Assert.Single(_replay.Opened);
        Assert.Equal(("privilege-probing", "own/batch", "demo", "eu-west"),
            (alert.Rule, alert.Principal, alert.Tenant, alert.Region));
        Assert.Null(alert.LockedUntil);
        Assert.Equal(0, _replay.Locks.Count);
    }

    [Theory]
    [InlineData(null, false)] // a name that never proved anything
    [InlineData(false, true)] // a person
    [InlineData(true, false)] // a program, whatever the failed attempt claims
    public void Observe_FailuresThatLock_LockOnlyPersonsWhoExist(bool? service, bool locked)
    {
        IntrusionRules rules = Replay.Rules;
        Replay replay = new(rules with
        {
            PrincipalFailures = rules.PrincipalFailures with { LockFor = TimeSpan.FromMinutes(5) },
        });
        if (service is { } isService)
            replay.Observe(new SecurityEvent
            {
                Time = replay.Now, Kind = SecurityEventKind.AuthenticationSucceeded, Principal = "own/x",
                IsService = isService,
            });
        for (int i = 0; i < 10; i++)
            replay.Observe(Failure("own/x", replay.Now));

        Assert.Single(replay.Opened);
        Assert.Equal(locked, replay.Locks.IsLocked("own/x", out _));
    }

    [Fact]
    public void Observe_NoRoomForALock_SaysSoAndAlerts()
    {
        IntrusionRules rules = Replay.Rules;
        Replay replay = new(rules with { Limits = rules.Limits with { Locks = 16 } });
        for (int i = 0; i < 20; i++)
            for (int p = 0; p < 6; p++)
                replay.Observe(new SecurityEvent
                {
                    Time = replay.Now, Kind = SecurityEventKind.AuthorisationDenied, Principal = $"own/m{i}",
                    Permission = $"p{p}",
                });

        Assert.Equal((20, 16, 4), (replay.Opened.Count(), replay.Locks.Count, replay.LocksRefused));
    }

    [Theory]
    [InlineData(-61, false)]
    [InlineData(-59, true)]
    [InlineData(4, true)]
    [InlineData(6, false)]
    public void Observe_TimeFarOff_IsNotTaken(int minutes, bool taken)
    {
        IntrusionEngine engine = new(Replay.Rules, new PrincipalLocks(TimeProvider.System, 16),
            new Lepton.Testing.MovableTime(Replay.Start));

        Observation got = engine.Observe(Failure("own/alice", Replay.Start.AddMinutes(minutes)));

        Assert.Equal(taken, got.Taken);
        Assert.Equal(taken ? 1 : 0, engine.Sizes.Single(s => s.Table == "claimed_names").Count);
    }

    [Fact]
    public void Observe_NamesWithLineEndsAndNoEnd_AreCutAndCleaned()
    {
        string name = "own/x\r\nSecurity alert \ud800" + new string('y', 10_000);
        Fail(name, 10, TimeSpan.Zero);

        Alert alert = Assert.Single(_replay.Opened);
        Assert.Equal(SecurityEvent.TextMax, alert.Principal.Length);
        Assert.StartsWith("own/x??Security alert ?y", alert.Principal, StringComparison.Ordinal);
        Assert.Equal(alert.Principal, alert.Events[0].Principal);
    }

    [Fact]
    public void Observe_AddressMappedIntoIPv6_IsTheSameAddress()
    {
        for (int i = 0; i < 12; i++)
        {
            IPAddress address = IPAddress.Parse(i % 2 == 0 ? "203.0.113.9" : "::ffff:203.0.113.9");
            _replay.Observe(Failure($"own/u{i}", _replay.Now) with { Address = address });
        }

        Alert alert = Assert.Single(_replay.Opened);
        Assert.Equal(("spraying", "203.0.113.9", ""), (alert.Rule, alert.Subject, alert.Principal));
    }

    [Fact]
    public void Observe_UsualTokens_AllocateNothing()
    {
        SecurityEvent e = new()
        {
            Time = Replay.Start, Kind = SecurityEventKind.TokenSeen, Principal = "own/alice", TokenId = "t",
            Thumbprint = "A", Address = IPAddress.Parse("192.0.2.7"), Region = "eu-west",
        };
        IntrusionEngine engine = new(Replay.Rules, _replay.Locks, new Lepton.Testing.MovableTime(Replay.Start));
        engine.Observe(e);
        bool taken = true;
        long bytes = Lepton.Testing.Allocations.Of(() =>
        {
            for (int i = 0; i < 1_000; i++)
                taken &= engine.Observe(e).Taken;
        });

        Assert.True(taken);
        Assert.Equal(0, bytes);
    }

    [Fact]
    public void IsLocked_Asked_AllocatesNothing()
    {
        Probe("own/mallory");
        bool both = _replay.Locks.IsLocked("own/mallory", out _) && !_replay.Locks.IsLocked("own/alice", out _);
        long bytes = Lepton.Testing.Allocations.Of(() =>
        {
            for (int i = 0; i < 1_000; i++)
                both &= _replay.Locks.IsLocked("own/mallory", out _) & !_replay.Locks.IsLocked("own/alice", out _);
        });

        Assert.True(both);
        Assert.Equal(0, bytes);
    }

    [Fact]
    public void Unlock_Locked_EndsItAtOnce()
    {
        Probe("own/mallory");

        Assert.True(_replay.Locks.Unlock("own/mallory"));
        Assert.False(_replay.Locks.IsLocked("own/mallory", out _));
        Assert.False(_replay.Locks.Unlock("own/mallory"));
    }
}
