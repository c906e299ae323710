using System.Text.RegularExpressions;

namespace Lepton.Tidy.Tests;

/// <summary>STYLE, code rule 1: a file under 300 lines, a method under 60, a line under 120 columns.</summary>
public sealed partial class SizeTests
{
    private const int FileLinesMax = 300;
    private const int MethodLinesMax = 60;
    private const int ColumnsMax = 120;

    /// <summary>File, and why it is longer. A reason, not a habit.</summary>
    private static readonly Dictionary<string, string> longFiles = new()
    {
        ["Lepton.AppHost/AppHost.cs"] =
            "the whole topology in one file, which compiles by itself against Aspire.Hosting",
        ["protos/inference/grpc_service.proto"] = "another's contract, kept in one file as its owner keeps it",
    };

    [Fact]
    public void Files_AreShort() => Rule.Holds(
        $"At most {FileLinesMax} lines a file: split it by its nouns.",
        Repository.Text(".cs", ".proto", "lepton", ".sh", ".js", ".mjs")
            .Where(f => f.Lines.Count > FileLinesMax && !longFiles.ContainsKey(f.Path))
            .Select(f => $"{f.Path}: {f.Lines.Count} lines"));

    [Fact]
    public void LongFiles_StillAreLong() => Rule.Holds(
        "This exception is no longer needed.",
        longFiles.Keys.Where(Repository.Files.Contains)
            .Where(f => File.ReadLines(Path.Combine(Repository.Root, f)).Count() <= FileLinesMax));

    [Fact]
    public void Lines_AreNarrow() => Rule.Holds(
        $"At most {ColumnsMax} columns a line.",
        Repository.Text(".cs", ".proto", ".csproj", ".props", ".targets", "lepton")
            .SelectMany(f => f.Where(line => line.Length > ColumnsMax)));

    [Fact]
    public void Methods_AreShort() => Rule.Holds(
        $"At most {MethodLinesMax} lines a method.",
        Repository.Text(".cs").SelectMany(LongMethods));

    /// <summary>
    /// By indentation, which the formatter keeps: a block that opens at a member's column and closes there again.
    /// Types are no methods, and a table of data is no logic.
    /// </summary>
    private static IEnumerable<string> LongMethods(TextFile file)
    {
        for (int start = 0; start < file.Lines.Count; start++)
        {
            if (Opening().Match(file.Lines[start]) is not { Success: true } opening)
                continue;
            string close = opening.Groups[1].Value + "}";
            int end = start + 1;
            while (end < file.Lines.Count && !file.Lines[end].StartsWith(close, StringComparison.Ordinal))
                end++;
            string head = file.Lines.Take(start).LastOrDefault(l => MemberHead().IsMatch(l)) ?? "";
            if (end - start - 1 > MethodLinesMax && !TypeOrTable().IsMatch(head))
                yield return $"{file.Path}:{start + 1}: {end - start - 1} lines: {head.Trim()}";
        }
    }

    [GeneratedRegex(@"^( {4}| {8})\{$")]
    private static partial Regex Opening();

    [GeneratedRegex(@"^ {4,8}\w")]
    private static partial Regex MemberHead();

    [GeneratedRegex(@"\b(class|record|struct|interface|enum|new\(\)|Dictionary)\b|=\s*(new|$)")]
    private static partial Regex TypeOrTable();
}
