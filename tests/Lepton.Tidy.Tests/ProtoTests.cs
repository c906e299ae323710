using System.Diagnostics;

namespace Lepton.Tidy.Tests;

/// <summary>The contracts: lint-clean, and never broken by accident.</summary>
public sealed class ProtoTests
{
    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(60);

    [BufFact]
    public void Protos_Lint_IsClean() => Rule.Holds("buf lint (STANDARD, COMMENTS) complains.", Buf("lint", "protos"));

    [BufFact]
    public void Protos_AgainstBaseline_BreakNothing() => Rule.Holds(
        "This breaks callers. A break that is meant changes protos/baseline.binpb, in a commit of its own: "
        + "buf build protos -o protos/baseline.binpb",
        Buf("breaking", "protos", "--against", "protos/baseline.binpb"));

    private static string[] Buf(params string[] arguments)
    {
        string cache = Directory.CreateTempSubdirectory("lepton-buf-").FullName;
        try
        {
            ProcessStartInfo start = new(BufFactAttribute.Program, arguments)
            {
                WorkingDirectory = Repository.Root, RedirectStandardOutput = true, RedirectStandardError = true,
            };
            start.Environment["HOME"] = cache; // buf wants a cache that it may write
            using Process buf = Process.Start(start)!;
            Task<string> output = buf.StandardOutput.ReadToEndAsync();
            Task<string> errors = buf.StandardError.ReadToEndAsync();
            Assert.True(buf.WaitForExit(timeout), "buf did not end.");
            string[] lines = (output.Result + errors.Result).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return buf.ExitCode == 0 ? []
                : lines.Length > 0 ? lines
                : [$"buf ended with {buf.ExitCode} and said nothing"];
        }
        finally
        {
            Directory.Delete(cache, recursive: true);
        }
    }
}

/// <summary>A test that needs buf, which set-up brings: skipped without it, and a failure in CI.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BufFactAttribute : FactAttribute
{
    public static string Program { get; } = Path.Combine(Repository.Root, ".lepton", "tools", "buf", "buf");

    public BufFactAttribute()
    {
        if (!File.Exists(Program) && Environment.GetEnvironmentVariable("CI") != "true")
            Skip = "buf is absent; ./lepton setup brings it.";
    }
}
