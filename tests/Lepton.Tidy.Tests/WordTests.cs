using System.Text.RegularExpressions;

namespace Lepton.Tidy.Tests;

/// <summary>Words that do not belong into a tracked file.</summary>
public sealed partial class WordTests
{
    /// <summary>These files name the words in order to forbid or to explain them.</summary>
    private const string OwnFolder = "tests/Lepton.Tidy.Tests/";

    /// <summary>File, and why it may read the clock, wait or draw by itself.</summary>
    private static readonly Dictionary<string, string> clockExceptions = new()
    {
    };

    [Fact]
    public void Code_HoldsNothingUnfinished() => Rule.Holds(
        "Unfinished work is finished or written into an issue, not left in the code.",
        Lines(Repository.Text(), Unfinished()));

    [Fact]
    public void Files_NameNoPackageRegistry() => Rule.Holds(
        "Where packages come from is the user's own configuration.",
        Lines(Repository.Text(), RegistryHost()));

    [Fact]
    public void Files_NameNoMachinePath() => Rule.Holds(
        "A path of somebody's machine.",
        Lines(Repository.Text(), MachinePath()));

    [Fact]
    public void Logic_OwnsNeitherTimeNorChance() => Rule.Holds(
        "STYLE, code rule 7: TimeProvider and a seeded Random are injected, so that a test owns them.",
        Lines(Repository.Text(".cs")
            .Where(f => f.Path.StartsWith("services/", StringComparison.Ordinal))
            .Where(f => !clockExceptions.ContainsKey(f.Path)),
            ClockOrChance()));

    [Fact]
    public void Services_TypesAreInternal() => Rule.Holds(
        "STYLE, code rule 2: a service's types are internal; only ServiceDefaults and *.Client are libraries.",
        Lines(Repository.Text(".cs").Where(f => ServiceCode().IsMatch(f.Path)), PublicType()));

    [Fact]
    public void Code_SuppressesNoNullWarning() => Rule.Holds(
        "STYLE, code rule 5: no null-forgiving operator outside tests.",
        Lines(
            Repository.Text(".cs").Where(f => f.Path.StartsWith("services/", StringComparison.Ordinal)),
            NullForgiving()));

    [Fact]
    public void Requirements_Cited_Exist()
    {
        Dictionary<char, int> last = new()
        {
            ['P'] = 6, ['R'] = 10, ['E'] = 5, ['S'] = 8, ['I'] = 6, ['C'] = 6, ['B'] = 5,
        };

        Rule.Holds("A requirement that does not exist.",
            Repository.Text(".cs", ".md", ".proto").Where(f => !IsOwn(f)).SelectMany(file => file.Where(line =>
                Citation().Matches(line).Any(m =>
                    int.Parse(m.Groups[2].Value) is var number
                    && (number == 0 || number > last.GetValueOrDefault(m.Groups[1].Value[0]))))));
    }

    private static IEnumerable<string> Lines(IEnumerable<TextFile> files, Regex forbidden) =>
        files.Where(f => !IsOwn(f)).SelectMany(f => f.Where(line => forbidden.IsMatch(line)));

    private static bool IsOwn(TextFile file) => file.Path.StartsWith(OwnFolder, StringComparison.Ordinal);

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"npmjs\.(org|com)|\bnuget\.org|pypi\.org|pythonhosted\.org|crates\.io|rubygems\.org|yarnpkg\.com"
        + @"|repo1?\.maven|proxy\.golang\.org|deb\.debian\.org|archive\.ubuntu\.com", RegexOptions.IgnoreCase)]
    private static partial Regex RegistryHost();

    [GeneratedRegex(@"(?<![\w.$}~-])/(work|root|home|Users)/\w|(?i)\bC:\\Users")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\bDateTime(Offset)?\.(Utc)?(Now|Today)\b|\bRandom\.Shared\b|\bnew Random\(\)|\bThread\.Sleep\("
        + @"|\bTask\.Delay\((?![^;]*([Tt]ime|[Cc]lock)\b)|\bStopwatch\.(StartNew|GetTimestamp)\b"
        + @"|\bEnvironment\.TickCount")]
    private static partial Regex ClockOrChance();

    [GeneratedRegex(@"^services/Lepton\.(?!ServiceDefaults/)(?![^/]*\.Client/)[^/]+/.*\.cs$")]
    private static partial Regex ServiceCode();

    [GeneratedRegex(@"^public .*\b(class|record|struct|interface|enum)\b")]
    private static partial Regex PublicType();

    [GeneratedRegex(@"[\w)\]]!([.;,)\[]|$)(?<!!=)")]
    private static partial Regex NullForgiving();

    [GeneratedRegex(@"(?:summary>|\(|[Rr]equirements? |formula |REQUIREMENTS(?:\.md)?,? )"
        + @"([PRESICB])(\d{1,2})(?=[):,. ])")]
    private static partial Regex Citation();
}
