using Lepton.Setup.Testing;

namespace Lepton.Eng.Tests.Testing;

public sealed class TestCommandTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    [Fact]
    public void Read_Report_CountsEveryOutcome()
    {
        File.WriteAllText(directory["run.trx"], """
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
              <Results>
                <UnitTestResult testName="A.One" outcome="Passed" />
                <UnitTestResult testName="A.Two" outcome="Failed" />
                <UnitTestResult testName="A.Three" outcome="NotExecuted">
                  <Output><StdOut>no engine here</StdOut></Output>
                </UnitTestResult>
              </Results>
              <ResultSummary>
                <Counters total="4" executed="3" passed="1" failed="1" error="1" notExecuted="0" />
              </ResultSummary>
            </TestRun>
            """);

        var report = TestReport.Read(directory["run.trx"]);

        Assert.Equal((1, 2), (report.Passed, report.Failed));
        Assert.Equal(["A.Three: no engine here"], report.Skipped);
    }

    [Fact]
    public void Conclude_AllPassed_Succeeds() =>
        Assert.Equal(0, TestCommand.Conclude([Report(3), Report(4)], skippedFails: false));

    [Fact]
    public void Conclude_OneFailed_Fails() =>
        Assert.Equal(1, TestCommand.Conclude([Report(3), new TestReport(4, 1, [])], skippedFails: false));

    [Fact]
    public void Conclude_AProjectCrashed_Fails() =>
        Assert.Equal(1, TestCommand.Conclude([Report(3), null], skippedFails: false));

    [Fact]
    public void Conclude_NothingRan_Fails() =>
        Assert.Equal(1, TestCommand.Conclude([Report(0)], skippedFails: false));

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public void Conclude_Skipped_FailsOnABuildMachineOnly(bool buildMachine, int exitCode) =>
        Assert.Equal(exitCode, TestCommand.Conclude([new TestReport(3, 0, ["A.One: no tool"])], buildMachine));

    public void Dispose() => directory.Dispose();

    private static TestReport Report(int passed) => new(passed, 0, []);
}
