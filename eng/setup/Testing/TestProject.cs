using System.Diagnostics;

namespace Lepton.Setup.Testing;

/// <summary>One built test project and how it is run.</summary>
internal sealed class TestProject(string name, SetupPaths paths)
{
    // A test that hangs must not hold up a build machine for ever; a slow machine is no fault of the tests.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan LimitOfAll = TimeSpan.FromMinutes(60);

    private static readonly Dictionary<string, string?> NoChanges = [];

    public string Name { get; } = name;

    /// <summary>It boots the whole platform: nothing else may run beside it on a small machine.</summary>
    public bool RunsAlone => Name.Contains("EndToEnd", StringComparison.Ordinal);

    /// <summary>Of its assembly: more tests take longer. 0: it is not built.</summary>
    public long Bytes => File.Exists(Assembly) ? new FileInfo(Assembly).Length : 0;

    private string Assembly => Path.Combine(paths.Home, "build", "bin", Name, "release", $"{Name}.dll");

    public static IReadOnlyList<TestProject> Find(SetupPaths paths, IReadOnlyList<string> wanted) =>
        [.. Directory.EnumerateFiles(Path.Combine(paths.Root, "tests"), "*.Tests.csproj", SearchOption.AllDirectories)
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .Where(name => wanted.Count == 0
                || wanted.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase)))
            .Order(StringComparer.Ordinal)
            .Select(name => new TestProject(name, paths))];

    /// <summary>Null when the run gave no report: the test host crashed, hung, or could not start.</summary>
    public async Task<TestReport?> RunAsync(
        string results, bool all, Action<string> print, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        var trx = Path.Combine(results, $"{Name}.trx");
        string[] arguments =
        [
            "vstest", Assembly, $"--logger:trx;LogFileName={Name}.trx", $"--ResultsDirectory:{results}",
            .. all ? [] : (string[])["--TestCaseFilter:Category!=Long"],
        ];
        var limit = all ? LimitOfAll : Limit;
        var result = await RunLimitedAsync(arguments, limit, cancellation);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var report = result is not null && File.Exists(trx) ? TestReport.Read(trx) : null;
        // The host may crash after it wrote a report that holds no failure.
        if (report is { Failed: 0, Total: > 0 } && result is { ExitCode: not 0 })
            report = null;
        if (report is null or { Failed: > 0 })
            print((result?.Output ?? $"{Name}: ended after {limit.TotalMinutes:F0} minutes").TrimEnd());
        print(report is null
            ? $"{Name}: crashed after {seconds:F1} s"
            : $"{Name}: {report.Passed} passed, {report.Failed} failed, {report.Skipped.Count} skipped, "
                + $"{seconds:F1} s");
        return report;
    }

    private async Task<CommandResult?> RunLimitedAsync(
        string[] arguments, TimeSpan limit, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(limit);
        try
        {
            return await Command.RunAsync("dotnet", arguments, paths.Root, NoChanges, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }
}
