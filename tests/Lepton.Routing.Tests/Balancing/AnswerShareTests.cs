using Lepton.Routing.Balancing;

namespace Lepton.Routing.Tests.Balancing;

public sealed class AnswerShareTests
{
    private static double Crowd(AnswerShare share) => AnswerShare.Crowd(share.All, share.Own);

    [Fact]
    public void Crowd_NothingHeard_IsThisRouterAlone() => Assert.Equal(1, Crowd(new AnswerShare()));

    [Fact]
    public void Crowd_QuarterOfTheAnswersIsOurs_ComesToFour()
    {
        AnswerShare share = new();
        for (int i = 1; i <= 20; i++)
            share.Hear((ulong)(1_000_000 + (100 * i)), 25 * i);
        Assert.InRange(Crowd(share), 3.9, 4.1);
    }

    [Fact]
    public void Crowd_TheOthersStop_ForgetsThemWithinAFewReports()
    {
        AnswerShare share = new();
        for (int i = 1; i <= 20; i++)
            share.Hear((ulong)(100 * i), 25 * i);
        for (int i = 1; i <= 10; i++)
            share.Hear((ulong)(2000 + (25 * i)), 500 + (25 * i));
        Assert.InRange(Crowd(share), 1, 1.5);
    }

    [Fact]
    public void Crowd_NoneOfTheAnswersIsOurs_IsBounded()
    {
        AnswerShare share = new();
        share.Hear(1, 0);
        share.Hear(1_000_000, 0);
        Assert.Equal(16, Crowd(share));
    }

    [Fact]
    public void Hear_CounterStartsAnew_CountsFromThere()
    {
        AnswerShare share = new();
        share.Hear(1000, 1000);
        share.Hear(10, 0); // the model was loaded anew
        share.Hear(110, 100);
        Assert.Equal((100, 100), (share.All, share.Own));
    }
}
