using Lepton.Routing.Health;

namespace Lepton.Routing.Tests.Health;

public sealed class TriageTests
{
    // u: well, e: ejected, o: open circuit, s: suspect. The slowness rises from left to right.
    private static string Sort(string places, out bool panic, EjectionOptions? options = null)
    {
        Standing[] standings = [.. places.Select((p, i) => new Standing(
            p == 's', p == 'e', p == 'o' ? CircuitState.Open : CircuitState.Closed, 1 + i))];
        Verdict[] verdicts = new Verdict[places.Length];
        panic = Triage.Sort(standings, verdicts, options ?? new EjectionOptions());
        return string.Concat(verdicts.Select(v => "usEO"[(int)v]));
    }

    [Theory]
    [InlineData("", "", false)]
    [InlineData("e", "u", false)] // the only one: none may be left out
    [InlineData("ue", "uE", false)]
    [InlineData("ee", "uE", false)] // one of two, the worse one
    [InlineData("eee", "uuE", false)]
    [InlineData("eeee", "uuEE", false)]
    [InlineData("uuueeeo", "uuuEEEO", false)]
    [InlineData("o", "u", true)]
    [InlineData("oo", "uu", true)]
    [InlineData("uoo", "uOO", false)] // a third is enough
    [InlineData("uooo", "uuuu", true)]
    [InlineData("sooo", "suuu", true)] // suspects stay last
    [InlineData("ssss", "ssss", false)] // nothing to ignore
    [InlineData("seo", "suu", true)]
    public void Sort_Places_LeavesOutWhatIsPermitted(string places, string verdicts, bool panics)
    {
        Assert.Equal(verdicts, Sort(places, out bool panic));
        Assert.Equal(panics, panic);
    }

    [Fact]
    public void Sort_Options_MoveTheLimits()
    {
        Assert.Equal("uOOO", Sort("uooo", out _, new EjectionOptions { PanicThreshold = 0 }));
        Assert.Equal("uuu", Sort("uoo", out _, new EjectionOptions { PanicThreshold = 50 }));
        Assert.Equal("uuuE", Sort("eeee", out _, new EjectionOptions { ShareMax = 0 })); // always one
        Assert.Equal("EEEE", Sort("eeee", out _, new EjectionOptions { ShareMax = 100, PanicThreshold = 0 }));
    }
}
