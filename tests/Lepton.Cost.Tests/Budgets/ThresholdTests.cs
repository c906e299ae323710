using Lepton.Cost.Budgets;

namespace Lepton.Cost.Tests.Budgets;

/// <summary>What a budget switches on and off by itself (B4, E4), and who may lift it.</summary>
public sealed class ThresholdTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Evaluate_Rising_SwitchesAtTheMarkAndBackBelowTheLower()
    {
        Thresholds thresholds = new(ThresholdRule.Default);
        string Step(long spent, long limit = 1_000) => string.Join(' ', thresholds.Evaluate(spent, null, limit)
            .Select(c => (c.IsOn ? "+" : "-") + c.Rule.Name));

        Assert.Equal("", Step(799));
        Assert.Equal("+alert-actual", Step(800)); // >=, not >
        Assert.Equal("", Step(750));
        Assert.Equal("-alert-actual", Step(749));
        Assert.Equal("+alert-actual +guard-actual", Step(900));
        Assert.False(thresholds.AllowsScaleOut(urgent: false));
        Assert.True(thresholds.AllowsScaleOut(urgent: true));
        Assert.Equal("+spot-only +pause-batch", Step(950));
        Assert.Equal("", Step(901)); // between the marks nothing flutters
        // The budget is raised: all goes off by itself.
        Assert.Equal("-alert-actual -guard-actual -spot-only -pause-batch", Step(950, 2_000));
        Assert.True(thresholds.AllowsScaleOut(urgent: false));
    }

    [Fact]
    public void Evaluate_Forecast_GuardsBeforeTheMoneyIsSpent()
    {
        Thresholds thresholds = new(ThresholdRule.Default);

        thresholds.Evaluate(100, 1_000, 1_000);
        Assert.True(thresholds.IsOn(BudgetAction.Guard));
        Assert.False(thresholds.IsOn(BudgetAction.PauseBatch));
        thresholds.Evaluate(100, null, 1_000); // not known: as it was
        Assert.True(thresholds.IsOn(BudgetAction.Guard));
        thresholds.Evaluate(100, 949, 1_000);
        Assert.False(thresholds.IsOn(BudgetAction.Guard));
    }

    [Fact]
    public void Evaluate_NoBudgetAtAll_IsOn()
    {
        Thresholds thresholds = new(ThresholdRule.Default);

        thresholds.Evaluate(0, 0, 0);

        Assert.All(Enum.GetValues<BudgetAction>(), action => Assert.True(thresholds.IsOn(action)));
        Assert.Equal(6, thresholds.RollOver(1_000).Count);
        Assert.True(thresholds.AllowsScaleOut(urgent: false));
    }

    [Fact]
    public void Thresholds_Faults_NameTheField()
    {
        static string Fault(params ThresholdRule[] rules) =>
            Assert.Throws<FormatException>(() => new Thresholds(rules)).Message;
        ThresholdRule good = new("a", ThresholdBasis.Actual, BudgetAction.Alert, 100, 50);

        Assert.Contains("offBasisPoints", Fault(good with { OffBasisPoints = 100 }), StringComparison.Ordinal);
        Assert.Contains("onBasisPoints", Fault(good with { OnBasisPoints = 0 }), StringComparison.Ordinal);
        Assert.Contains("name", Fault(good with { Name = "" }), StringComparison.Ordinal);
        Assert.Contains("each name once", Fault(good, good), StringComparison.Ordinal);
        Assert.Contains("1 to 32", Fault(), StringComparison.Ordinal);
    }

    private static BudgetOverride Request(string by = "idp/ada", DateTimeOffset? until = null) =>
        BudgetOverride.Request("o1", "org/demo", 500, by, "launch", until ?? Now.AddDays(1), Now);

    [Fact]
    public void Approve_Override_NeedsASecondPerson()
    {
        var one = Request();

        Assert.Equal(0, one.ExtraMicrosAt(Now));
        Assert.Equal(ApprovalOutcome.SamePerson, one.Approve("idp/ada", Now));
        Assert.Equal(ApprovalOutcome.SamePerson, one.Approve(" IDP/Ada", Now));
        Assert.Equal(0, one.ExtraMicrosAt(Now));
        Assert.Equal(ApprovalOutcome.Approved, one.Approve("idp/bob", Now));
        Assert.Equal(ApprovalOutcome.AlreadyDecided, one.Approve("idp/cyd", Now));
        Assert.Equal((500, "idp/bob"), (one.ExtraMicrosAt(Now), one.ApprovedBy));
        Assert.Equal((500, 0), (one.ExtraMicrosAt(Now.AddDays(1).AddTicks(-1)), one.ExtraMicrosAt(Now.AddDays(1))));
        one.Withdraw();
        Assert.Equal(0, one.ExtraMicrosAt(Now));
    }

    [Fact]
    public void Approve_TooLateOrWithdrawn_DoesNothing()
    {
        var late = Request();
        Assert.Equal(ApprovalOutcome.Expired, late.Approve("idp/bob", Now.AddDays(1)));
        var withdrawn = Request();
        withdrawn.Withdraw();
        Assert.Equal(ApprovalOutcome.AlreadyDecided, withdrawn.Approve("idp/bob", Now));
        Assert.Equal(0, late.ExtraMicrosAt(Now) + withdrawn.ExtraMicrosAt(Now));
    }

    [Fact]
    public void Request_Faults_NameTheField()
    {
        static string Fault(Func<BudgetOverride> request) => Assert.Throws<FormatException>(request).Message;

        Assert.StartsWith("valid_until", Fault(() => Request(until: Now)), StringComparison.Ordinal);
        // Not into the next month: that has a budget of its own.
        Assert.StartsWith("valid_until", Fault(() => Request(until: Now.AddDays(11).AddTicks(1))),
            StringComparison.Ordinal);
        Assert.StartsWith("requested_by", Fault(() => Request(by: "")), StringComparison.Ordinal);
        Assert.StartsWith("extra_micros", Fault(() =>
            BudgetOverride.Request("o", "org", 0, "idp/ada", "x", Now.AddDays(1), Now)), StringComparison.Ordinal);
    }
}
