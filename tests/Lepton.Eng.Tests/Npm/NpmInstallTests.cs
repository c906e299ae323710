using Lepton.Setup;
using Lepton.Setup.Npm;
using Xunit;

namespace Lepton.Eng.Tests.Npm;

/// <summary>Set-up comes through a connection that stalls, and says at once what trying again cannot mend.</summary>
public sealed class NpmInstallTests
{
    private static readonly CommandResult s_stalled = new(1,
        "npm warn deprecated something\nnpm error code EIDLETIMEOUT\nnpm error Idle timeout reached for host\n");

    private int _runs;

    [Fact]
    public async Task Repeat_StalledConnection_IsTriedAgain()
    {
        var result = await RunAsync(s_stalled, s_stalled, new CommandResult(0, "added 20 packages\n"));
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(3, _runs);
    }

    [Fact]
    public async Task Repeat_StalledAlways_EndsWithWhatNpmSaid()
    {
        var result = await RunAsync(s_stalled);
        Assert.Contains("EIDLETIMEOUT", result.Tail());
        Assert.Equal(NpmInstall.AttemptsMax, _runs);
    }

    [Theory]
    [InlineData("npm error code EINTEGRITY\nnpm error sha512- integrity checksum failed\n")]
    [InlineData("npm error code E404\nnpm error 404 Not Found\n")]
    [InlineData("npm error code ENOSPC\nnpm error nospc\n")]
    public async Task Repeat_Refusal_IsNotTriedAgain(string output)
    {
        var result = await RunAsync(new CommandResult(1, output));
        Assert.Equal(1, result.ExitCode);
        Assert.Equal(1, _runs);
    }

    private Task<CommandResult> RunAsync(params CommandResult[] answers) =>
        NpmInstall.RepeatAsync(() => Task.FromResult(answers[Math.Min(_runs++, answers.Length - 1)]));
}
