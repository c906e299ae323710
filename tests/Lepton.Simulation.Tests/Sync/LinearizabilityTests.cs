using Lepton.Simulation.Sync;

namespace Lepton.Simulation.Tests.Sync;

/// <summary>The checker itself: what it must let pass, and what it must not.</summary>
public sealed class LinearizabilityTests
{
    [Fact]
    public void Holds_ReadDuringAWrite_MaySeeEither()
    {
        foreach (string? seen in (string?[])["a", null])
            Assert.True(Linearizability.Holds(
                [new(0, 10, KeyAction.Write, "a"), new(5, 7, KeyAction.Read, seen)]));
    }

    [Fact]
    public void Holds_OldValueAfterTheWriteEnded_IsNotLinearizable() => Assert.False(Linearizability.Holds(
        [new(0, 10, KeyAction.Write, "a"), new(11, 12, KeyAction.Read, null)]));

    [Fact]
    public void Holds_NewThenOldWithinAWrite_IsNotLinearizable() => Assert.False(Linearizability.Holds(
    [
        new(0, 20, KeyAction.Write, "a"), new(2, 4, KeyAction.Read, "a"), new(5, 7, KeyAction.Read, null),
    ]));

    [Fact]
    public void Holds_UnknownWrite_MayHappenLateOrNever()
    {
        KeyOperation unknown = new(0, null, KeyAction.Write, "a");
        Assert.True(Linearizability.Holds([unknown, new(50, 60, KeyAction.Read, null)]));
        Assert.True(Linearizability.Holds(
            [unknown, new(50, 60, KeyAction.Read, null), new(70, 80, KeyAction.Read, "a")]));
        Assert.False(Linearizability.Holds(
            [unknown, new(50, 60, KeyAction.Read, "a"), new(70, 80, KeyAction.Read, null)]));
    }

    [Fact]
    public void Holds_TwoExchangesOfOneValue_AreNotBothDone() => Assert.False(Linearizability.Holds(
    [
        new(0, 1, KeyAction.Write, "a"), new(2, 9, KeyAction.Exchange, "b", "a"),
        new(3, 8, KeyAction.Exchange, "c", "a"),
    ]));

    [Fact]
    public void Holds_ConflictWithTheExpectedValueThere_IsNotLinearizable() => Assert.False(Linearizability.Holds(
        [new(0, 1, KeyAction.Write, "a"), new(2, 9, KeyAction.Conflict, null, "a")]));
}
