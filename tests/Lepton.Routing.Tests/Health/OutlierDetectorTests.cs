using Lepton.Routing.Health;

namespace Lepton.Routing.Tests.Health;

public sealed class OutlierDetectorTests
{
    private static readonly EjectionOptions Options = new();

    private static Sample Of(long good, long failed, double ms = 20, string model = "ocr", string kind = "cpu") =>
        new((model, "1"), kind, good, failed, ms / 1000);

    private static string Found(params Sample[] samples) => string.Join(' ',
        OutlierDetector.Find(samples, Options).Select(o => $"{o.Index}:{o.Cause}"));

    [Fact]
    public void Find_BelowMeanAndDeviations_IsAnOutlier() => Assert.Equal("2:SuccessRate",
        Found(Of(100, 0), Of(99, 1), Of(60, 40), Of(100, 0), Of(98, 2), Of(100, 0)));

    [Fact]
    public void Find_HardlyBelow_IsNone() => // two deviations, half a percentage point
        Assert.Equal("", Found(Of(1000, 0), Of(1000, 0), Of(995, 5), Of(1000, 0), Of(1000, 0), Of(1000, 0)));

    [Fact]
    public void Find_AllFailAlike_NobodyStandsOutBelowThePercentage() =>
        Assert.Equal("", Found(Of(60, 40), Of(60, 40), Of(60, 40), Of(60, 40), Of(60, 40)));

    [Fact]
    public void Find_FewHosts_PercentageDecides()
    {
        Assert.Equal("0:FailurePercent", Found(Of(50, 50), Of(100, 0)));
        Assert.Equal("", Found(Of(51, 49), Of(100, 0)));
    }

    [Fact]
    public void Find_HalfOfManyFail_AreFoundThoughTheDeviationIsHuge() =>
        Assert.Equal("0:FailurePercent 1:FailurePercent 2:FailurePercent",
            Found(Of(0, 50), Of(0, 50), Of(0, 50), Of(50, 0), Of(50, 0), Of(50, 0)));

    [Fact]
    public void Find_TooFewRequests_AreNotCompared() =>
        Assert.Equal("", Found(Of(0, 19), Of(100, 0), Of(100, 0), Of(100, 0), Of(100, 0)));

    [Fact]
    public void Find_FarSlowerThanTheMedianOfItsKind_IsAnOutlier()
    {
        Assert.Equal("0:Latency", Found(Of(50, 0, 101), Of(50, 0), Of(50, 0, 19)));
        Assert.Equal("", Found(Of(50, 0, 99), Of(50, 0), Of(50, 0, 19)));
        // Another provider, another model, or only one peer: nothing to compare with.
        Assert.Equal("", Found(Of(50, 0, 500, kind: "cpu"), Of(50, 0, 5, kind: "cuda"), Of(50, 0, 5, kind: "cuda")));
        Assert.Equal("", Found(Of(50, 0, 500, "language"), Of(50, 0), Of(50, 0)));
        Assert.Equal("", Found(Of(50, 0, 500), Of(50, 0)));
    }

    [Fact]
    public void Find_FailingAndSlow_IsFoundOnce() =>
        Assert.Equal("0:FailurePercent", Found(Of(30, 70, 900), Of(50, 0), Of(50, 0)));

    [Fact]
    public void Slide_TenSamples_ForgetsTheEleventh()
    {
        OutcomeWindow window = new();
        Assert.Equal((5, 1), window.Slide(5, 1));
        for (int i = 0; i < OutcomeWindow.Samples - 1; i++)
            Assert.Equal((5, 1), window.Slide(5, 1));
        Assert.Equal((2, 0), window.Slide(7, 1));
        window.Restart(7, 1);
        Assert.Equal((0, 3), window.Slide(7, 4));
    }
}
