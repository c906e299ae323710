using System.Collections.Concurrent;

namespace Lepton.Setup.Testing;

/// <summary>
/// Runs the built test projects, two at a time where the machine has two cores, those that boot the platform last and
/// alone. The last line is the sum; the exit code is 0 only if something ran and nothing failed, crashed or, on a
/// build machine (CI=true), was skipped.
/// </summary>
internal static class TestCommand
{
    private const int ParallelMax = 4;

    public static async Task<int> RunAsync(SetupPaths paths, string[] args, CancellationToken cancellation)
    {
        var all = args.Contains("--all");
        if (args.FirstOrDefault(word => word.StartsWith('-') && word != "--all") is { } unknown)
            throw new SetupException($"test takes --all and names of projects, not {unknown}.");
        string[] wanted = [.. args.Where(word => word != "--all")];
        if (wanted.FirstOrDefault(name => TestProject.Find(paths, [name]).Count == 0) is { } stranger)
            throw new SetupException($"no test project is called {stranger}.");
        var projects = TestProject.Find(paths, wanted);
        var results = Path.Combine(paths.Home, "build", "test-results");
        if (Directory.Exists(results))
            Directory.Delete(results, recursive: true);

        await TestPackages.EnsureAsync(paths, cancellation);
        if (projects.Any(project => project.RunsAlone))
            await new DebianTools(paths).EnsureAsync(cancellation);

        var reports = new ConcurrentBag<TestReport?>();
        var console = new Lock();
        void Print(string text)
        {
            lock (console)
                Console.WriteLine(text);
        }
        async ValueTask RunOneAsync(TestProject project, CancellationToken token) =>
            reports.Add(await project.RunAsync(results, all, Print, token));

        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = Math.Clamp(Environment.ProcessorCount, 1, ParallelMax),
            CancellationToken = cancellation,
        };
        // The largest first, so that no long one is left running alone at the end.
        var together = projects.Where(project => !project.RunsAlone).OrderByDescending(project => project.Bytes);
        await Parallel.ForEachAsync(together, parallel, RunOneAsync);
        foreach (var project in projects.Where(project => project.RunsAlone))
            await RunOneAsync(project, cancellation);
        return Conclude([.. reports], IsBuildMachine());
    }

    /// <summary>Prints the sum, whose last line others read, and answers the exit code.</summary>
    internal static int Conclude(IReadOnlyList<TestReport?> reports, bool skippedFails)
    {
        var known = reports.OfType<TestReport>().ToList();
        var passed = known.Sum(report => report.Passed);
        var skipped = known.SelectMany(report => report.Skipped).ToList();
        foreach (var test in skipped)
            Console.WriteLine($"{(skippedFails ? "skipped, which fails on a build machine" : "skipped")}: {test}");
        // A project that crashed counts as one failure: how many of its tests would have failed nobody knows.
        var failed =
            known.Sum(report => report.Failed) + (reports.Count - known.Count) + (skippedFails ? skipped.Count : 0);
        if (passed + failed == 0)
            Console.WriteLine("no test ran");
        Console.WriteLine(skipped.Count == 0 || skippedFails
            ? $"{passed} passed, {failed} failed"
            : $"{passed} passed, {failed} failed, {skipped.Count} skipped");
        return passed > 0 && failed == 0 ? 0 : 1;
    }

    private static bool IsBuildMachine() =>
        Environment.GetEnvironmentVariable("CI") is { } value
        && (value == "1" || value.Equals("true", StringComparison.OrdinalIgnoreCase));
}
