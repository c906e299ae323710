using System.Security.Cryptography;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Client;

// The law behind the classes' lists.
public sealed partial class ResidencyPolicy
{
    private static readonly LawAnswer NoLaw =
        new(LawEffect.Deny, LawAnswer.NoRegime, "the policy names no regimes", [], [], 0, []);

    private readonly PolicyDocument _document;
    private readonly TimeProvider _time;
    private readonly LawTable? _law;

    /// <summary>
    /// The version of the record that it came in: an order's of activation, or its own. Counts up with every change of
    /// what is active, back to an older version too.
    /// </summary>
    public long Order { get; }

    /// <summary>The day (UTC) for which it was compiled: rules begin and end to hold, counts grow old.</summary>
    public DateOnly Date { get; }

    /// <summary>The next day on which something in it begins or ends to hold; null: none is known.</summary>
    public DateOnly? ChangesOn => _document.Law?.DatesAfter(Date).Select(d => (DateOnly?)d).FirstOrDefault();

    internal LawDocument? Law => _document.Law;

    internal LawTable? Table => _law;

    internal PolicyDocument Document => _document;

    /// <summary>The same policy on another day.</summary>
    public ResidencyPolicy On(DateOnly date) =>
        date == Date ? this : new ResidencyPolicy(_document, Digest, Order, _time, date);

    /// <summary>The same policy today: itself as long as nothing in it has begun or ended to hold.</summary>
    public ResidencyPolicy Today()
    {
        var today = DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);
        return ChangesOn <= today ? On(today) : this;
    }

    /// <summary>
    /// What the law alone says of a transfer (C3): at most 100 ns, no allocation. What no regime covers is denied, and
    /// so is everything where the policy names no regimes.
    /// </summary>
    /// <param name="subject">Whose data: a jurisdiction that a regime or a data class names.</param>
    /// <param name="category">Which data: one of <see cref="Vocabulary.Categories"/>.</param>
    /// <param name="purpose">What for.</param>
    /// <param name="region">Where to; a region without a jurisdiction gets only what may go anywhere.</param>
    public LawAnswer Decide(string subject, string category, Purpose purpose, string region) =>
        _law is null ? NoLaw : _law.Decide(subject, category, purpose, region);

    /// <summary>
    /// May records of a class be kept in a region: stored and copied to? No allocation. Unknown ones may not.
    /// </summary>
    public bool MayKeep(string dataClass, string region) =>
        _classes.TryGetValue(dataClass, out var index) && _byIndex[index].Kept.Contains(IndexOf(region));

    /// <summary>
    /// Why data of a class may be, or not be, in a region: the law of each of its subjects and the class's own list. Of
    /// joined classes (<c>a+b</c>) the first that denies says it. Allocates: it is for explanations.
    /// </summary>
    /// <returns>Null: no such class.</returns>
    public LawAnswer? Explain(string dataClass, Purpose purpose, string region)
    {
        ArgumentNullException.ThrowIfNull(dataClass);
        LawAnswer? said = null;
        foreach (var name in dataClass.Split('+', JoinedClassesMax + 1))
        {
            if (!_classes.TryGetValue(name, out var index))
                return null;
            var answer = ExplainOne(_byIndex[index], purpose, region);
            if (said is null || (said.IsAllowed && !answer.IsAllowed))
                said = answer;
        }
        return said;
    }

    private static ResidencyPolicy Read(
        ReadOnlyMemory<byte> json, string[] topology, string region, IReadOnlyList<string>? before, TimeProvider time)
    {
        var chosen = ActivationOrder.Choose(json, region);
        var document = PolicyReader.Read(chosen.Policy, topology, before);
        return new ResidencyPolicy(document, DigestOf(chosen.Policy), chosen.Order ?? document.Version, time);
    }

    internal static string DigestOf(ReadOnlyMemory<byte> policy) =>
        "sha256:" + Convert.ToHexStringLower(SHA256.HashData(policy.Span));

    private LawAnswer ExplainOne(DataClass dataClass, Purpose purpose, string region)
    {
        LawFinding list = new("", $"class.{dataClass.Name}", "the class's own list of regions",
            dataClass.Listed.Contains(IndexOf(region)) ? LawEffect.Allow : LawEffect.Deny, [], []);
        List<LawFinding> law = _law is null ? [] : [.. dataClass.Subjects.SelectMany(subject =>
        {
            var answer = _law.Decide(subject, dataClass.Category, purpose, region);
            return answer.Findings.Count > 0 ? answer.Findings
                : [new LawFinding("", answer.RuleId, answer.Source, answer.Effect, [], [])];
        })];
        if (law.Count == 0)
            return LawFinding.Join([list], Version);
        var said = LawFinding.Join(law, Version) with { Findings = [.. law, list] };
        return said.IsAllowed && list.Effect == LawEffect.Deny
            ? said with { Effect = LawEffect.Deny, RuleId = list.RuleId, Source = list.Source }
            : said;
    }

    // By purpose, the class's own list as far as the law of every subject of it allows.
    private DataClass Compile(DataClass listed)
    {
        if (_law is null)
            return listed;
        var sets = new RegionSet[Vocabulary.PurposeNames.Count];
        for (var p = 0; p < sets.Length; p++)
        {
            sets[p] = RegionSet.None;
            for (var i = 0; i < Regions.Count; i++)
                if (listed.Listed.Contains(i)
                    && listed.Subjects.All(s => _law.Decide(s, listed.Category, (Purpose)p, Regions[i]).IsAllowed))
                    sets[p] = sets[p].With(i);
        }
        return listed with { Set = sets[(int)Purpose.Inference], Sets = sets };
    }
}
