using Lepton.Compliance.Client.Intrusion;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>Each rule by a replayed attack, and by usual traffic close to it that must stay silent (C6).</summary>
public sealed class SequenceTests
{
    public static TheoryData<string> Names => [.. Replay.Rules.All.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Attack_Replayed_OpensOneAlertEach(string rule)
    {
        Replay replay = new(Replay.Rules);

        IReadOnlyList<string> expected = replay.Run(rule + ".attack");

        Assert.Equal(expected, replay.Opened.Select(a => a.Rule));
        Assert.Contains(rule, expected);
        Assert.Empty(replay.Suppressed);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Benign_Replayed_StaysSilent(string rule)
    {
        Replay replay = new(Replay.Rules);

        IReadOnlyList<string> expected = replay.Run(rule + ".benign");

        Assert.Equal(expected, replay.Opened.Select(a => a.Rule));
        Assert.DoesNotContain(rule, expected);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Attack_RuleOff_OpensNone(string rule)
    {
        IntrusionRules off = RulesReader.Parse(System.Text.Encoding.UTF8.GetBytes(
            $$"""{ "version": 1, "rules": { "{{rule}}": { "enabled": false } } }"""));
        Replay replay = new(off with { Places = Replay.Rules.Places });

        replay.Run(rule + ".attack");

        Assert.DoesNotContain(rule, replay.Opened.Select(a => a.Rule));
    }
}
