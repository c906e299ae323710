using System.Diagnostics;

namespace Lepton.Tidy.Tests;

/// <summary>The files that git tracks, read once for all rules.</summary>
internal static class Repository
{
    private static readonly string[] binaryEndings = [".png", ".jpg", ".jpeg", ".onnx", ".binpb", ".gz", ".ico"];

    private static readonly Lazy<IReadOnlyList<string>> tracked = new(ListTracked);

    public static string Root { get; } = FindRoot();

    /// <summary>Paths from the root with forward slashes; a file deleted but not yet committed is left out.</summary>
    public static IReadOnlyList<string> Files => tracked.Value;

    public static IEnumerable<TextFile> Text(params string[] endings) => Files
        .Where(f => endings.Length == 0
            ? !binaryEndings.Any(e => f.EndsWith(e, StringComparison.Ordinal))
            : endings.Any(e => f.EndsWith(e, StringComparison.Ordinal)))
        .Select(f => new TextFile(f, File.ReadAllLines(Path.Combine(Root, f))));

    private static string FindRoot()
    {
        DirectoryInfo? at = new(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "Lepton.sln")))
            at = at.Parent;
        return at?.FullName ?? throw new InvalidOperationException("No Lepton.sln above the tests.");
    }

    private static IReadOnlyList<string> ListTracked()
    {
        ProcessStartInfo start = new("git") { WorkingDirectory = Root, RedirectStandardOutput = true };
        // Files about to be added count too: a rule broken in them is better known before the commit.
        foreach (string argument in new[] { "ls-files", "-z", "--cached", "--others", "--exclude-standard" })
            start.ArgumentList.Add(argument);
        using Process git = Process.Start(start) ?? throw new InvalidOperationException("git did not start.");
        string[] files = git.StandardOutput.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        Assert.True(git.ExitCode == 0 && files.Length > 0, "git ls-files answers nothing: is this a git checkout?");
        return [.. files.Where(f => File.Exists(Path.Combine(Root, f))).Order(StringComparer.Ordinal)];
    }
}

/// <summary>A tracked text file.</summary>
internal sealed record TextFile(string Path, IReadOnlyList<string> Lines)
{
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Each line that breaks a rule as <c>path:line: text</c>.</summary>
    public IEnumerable<string> Where(Func<string, bool> breaks) => Lines
        .Select((line, i) => (line, i))
        .Where(l => breaks(l.line))
        .Select(l => $"{Path}:{l.i + 1}: {l.line.Trim()}");
}

/// <summary>Fails with everything that breaks the rule, so that one run shows all there is to mend.</summary>
internal static class Rule
{
    public static void Holds(string rule, IEnumerable<string> violations)
    {
        string[] found = [.. violations];
        Assert.True(found.Length == 0, $"{rule}\n{string.Join('\n', found)}");
    }
}
