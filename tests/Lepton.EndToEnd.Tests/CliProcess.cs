using System.Diagnostics;
using System.Text.Json;

namespace Lepton.EndToEnd.Tests;

/// <summary>What a run of the CLI answered.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    public JsonElement Json()
    {
        using JsonDocument document = JsonDocument.Parse(Output);
        return document.RootElement.Clone();
    }

    /// <summary>The answer, or everything that was said instead.</summary>
    public CliResult Require(int exitCode = 0)
    {
        Assert.True(ExitCode == exitCode, $"exit {ExitCode}, {exitCode} expected\n{Output}\n{Error}");
        return this;
    }
}

/// <summary>Runs the built <c>lepton</c> as a person's shell would.</summary>
internal static class CliProcess
{
    private static readonly TimeSpan timeout = TimeSpan.FromMinutes(6);

    public static string Root { get; } = FindRoot();

    public static string Home { get; } = Path.Combine(Root, ".lepton");

    /// <summary>Starts it, with both outputs to be read.</summary>
    public static Process Start(params string[] arguments)
    {
        string binary = Path.Combine(Home, "build", "bin", "Lepton.Cli", "release", "Lepton.Cli");
        ProcessStartInfo start = new(binary, arguments)
        {
            WorkingDirectory = Root, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        start.Environment["LEPTON_ROOT"] = Root;
        start.Environment["LEPTON_HOME"] = Home;
        return Process.Start(start) ?? throw new InvalidOperationException("lepton did not start.");
    }

    public static async Task<CliResult> RunAsync(params string[] arguments)
    {
        using CancellationTokenSource limit = new(timeout);
        using Process process = Start(arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        return new CliResult(process.ExitCode, await output, await error);
    }

    private static string FindRoot()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Lepton.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new InvalidOperationException("No Lepton.sln above the tests.");
    }
}
