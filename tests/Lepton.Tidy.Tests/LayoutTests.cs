using System.Text.RegularExpressions;

namespace Lepton.Tidy.Tests;

/// <summary>What lies where, and what it is called.</summary>
public sealed partial class LayoutTests
{
    private static readonly string[] topLevel =
    [
        ".ci", ".editorconfig", ".gitattributes", ".gitignore", "Directory.Build.props", "Directory.Build.targets",
        "Directory.Packages.props", "Lepton.AppHost", "Lepton.sln", "README.md", "aspire-manifest.json", "deploy",
        "eng", "lepton", "nuget.config", "protos", "services", "tests",
        ".dockerignore", // the build context of every service's Dockerfile is the root
    ];

    private static readonly string[] forbiddenNames =
        ["Common", "Utils", "Util", "Helpers", "Helper", "Manager", "Extensions"];

    /// <summary>File, and why its name may stand.</summary>
    private static readonly Dictionary<string, string> nameExceptions = new()
    {
        ["eng/aspire-hosting/"] = "mirrors Aspire.Hosting, whose public classes are called so",
    };

    [Fact]
    public void TopLevel_Entries_AreTheListedOnes() => Rule.Holds(
        "A new top-level entry needs a reason; then list it here.",
        Repository.Files.Select(f => f.Split('/')[0]).Distinct().Except(topLevel));

    [Fact]
    public void Names_FoldersAndFiles_SayWhatTheyHold() => Rule.Holds(
        "STYLE: no folder or class is called Common, Utils, Helpers, Manager or Extensions.",
        Repository.Files
            .Where(f => !nameExceptions.Keys.Any(e => f.StartsWith(e, StringComparison.Ordinal)))
            .Where(f => f.EndsWith(".cs", StringComparison.Ordinal) || f.Contains('/'))
            .Where(f => f.Split('/').Any(IsForbidden)));

    [Fact]
    public void Services_EachHasAReadme() => Rule.Holds(
        "Each service says what it does, its decisions and reasons, its limits and how to try it.",
        Repository.Files
            .Where(f => ServiceProject().IsMatch(f))
            .Select(f => Path.GetDirectoryName(f)! + "/README.md")
            .Where(readme => !File.Exists(Path.Combine(Repository.Root, readme))
                || new FileInfo(Path.Combine(Repository.Root, readme)).Length < 500));

    [Fact]
    public void Solution_HoldsEveryProject()
    {
        string solution = File.ReadAllText(Path.Combine(Repository.Root, "Lepton.sln")).Replace('\\', '/');

        Rule.Holds("Every project is in Lepton.sln, or nobody builds it.",
            Repository.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal))
                .Where(f => !solution.Contains($"\"{f}\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void Readmes_Links_LeadSomewhere() => Rule.Holds(
        "A link to a file that is not there.",
        Repository.Text(".md").SelectMany(file => file.Lines
            .SelectMany(line => MarkdownLink().Matches(line))
            .Select(match => match.Groups[1].Value.Split('#')[0])
            .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
            .Where(target => !Path.Exists(Path.Combine(Repository.Root, Path.GetDirectoryName(file.Path)!, target)))
            .Select(target => $"{file.Path}: {target}")));

    private static bool IsForbidden(string part)
    {
        string name = part.Split('.')[0];
        return forbiddenNames.Any(word => name.EndsWith(word, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^services/[^/]+/[^/]+\.csproj$")]
    private static partial Regex ServiceProject();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex MarkdownLink();
}
