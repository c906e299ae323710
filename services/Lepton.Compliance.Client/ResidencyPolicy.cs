using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using Lepton.Compliance.Client.Law;

namespace Lepton.Compliance.Client;

/// <summary>
/// Which regions may hold which data: data classes, and the floor class of each tenant and model. Immutable, compiled
/// at load; a decision is three look-ups. Whatever it doesn't name is denied.
/// </summary>
public sealed partial class ResidencyPolicy
{
    /// <summary>Classes that one name may join with <c>+</c>; more are refused.</summary>
    public const int JoinedClassesMax = 8;

    private readonly FrozenDictionary<string, int> _classes;
    private readonly FrozenDictionary<string, int> _tenants;
    private readonly FrozenDictionary<string, int> _models;
    private readonly FrozenDictionary<string, int> _regionIndexes;
    private readonly DataClass[] _byIndex;
    private readonly int _defaultModel;

    // Lazily filled, one cell per (tenant floor, model floor, header); a lost race computes an equal value twice.
    private readonly ResidencyVerdict.Known?[] _decided;

    internal ResidencyPolicy(PolicyDocument document, string digest, long order, TimeProvider time, DateOnly? on = null)
    {
        (_document, _time, Order) = (document, time, order);
        Date = on ?? DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        Version = document.Version;
        VersionText = document.Version.ToString(CultureInfo.InvariantCulture);
        Digest = digest;
        Regions = document.Regions;
        _regionIndexes = document.Regions.Select((name, i) => (name, i)).ToFrozenDictionary(p => p.name, p => p.i);
        _law = document.Law is { } law
            ? LawTable.Compile(law, Date, document.Classes.SelectMany(c => c.Subjects), Version) : null;
        _byIndex = [.. document.Classes.Select(Compile)];
        _classes = _byIndex.Select((c, i) => (c.Name, i)).ToFrozenDictionary(p => p.Name, p => p.i);
        _tenants = document.Tenants.ToFrozenDictionary(p => p.Key, p => _classes[p.Value]);
        _models = document.Models.ToFrozenDictionary(p => p.Key, p => _classes[p.Value]);
        _defaultModel = _models.GetValueOrDefault(PolicyReader.DefaultModel, -1);
        int none = _byIndex.Length + 1; // one more index: "not given"
        _decided = new ResidencyVerdict.Known?[_byIndex.Length * none * none];
    }

    /// <summary>The policy's own version number, 1 or more, as its author counts.</summary>
    public long Version { get; }

    /// <summary>The version as text, made once: it goes with every request.</summary>
    public string VersionText { get; }

    /// <summary>SHA-256 of the policy's document, <c>sha256:</c> and 64 hex digits.</summary>
    public string Digest { get; }

    /// <summary>
    /// Every region that the topology or the policy names, in ordinal order, after those that a policy before it had
    /// (<see cref="Next"/>); <see cref="RegionSet"/> counts in it.
    /// </summary>
    public IReadOnlyList<string> Regions { get; }

    /// <summary>Every data class, in the file's order.</summary>
    public IReadOnlyList<DataClass> DataClasses => _byIndex;

    /// <summary>Reads and checks a policy.</summary>
    /// <param name="json">
    /// JSON, UTF-8; comments and trailing commas are allowed. A document of its own, or an order of activation, of
    /// which the policy for every other region is taken.
    /// </param>
    /// <param name="topology">
    /// The regions that <c>*</c> stands for. Who knows only its own region gives only that one.
    /// </param>
    /// <param name="time">Says the day for which it is compiled. Default: the machine's clock.</param>
    /// <exception cref="ResidencyPolicyException">
    /// The policy is not usable; says which field, and what it takes.
    /// </exception>
    public static ResidencyPolicy Parse(
        ReadOnlyMemory<byte> json, IEnumerable<string> topology, TimeProvider? time = null) =>
        Read(json, [.. topology], "", null, time ?? TimeProvider.System);

    /// <summary>
    /// Reads and checks the policy that takes this one's place in a running process: every region keeps its index, so
    /// that sets made by this one mean the same to the next.
    /// </summary>
    /// <param name="json">As for <see cref="Parse"/>.</param>
    /// <param name="topology">As for <see cref="Parse"/>.</param>
    /// <param name="region">The own one: of an order of activation, the policy that is active there is taken.</param>
    /// <exception cref="ResidencyPolicyException">As for <see cref="Parse"/>.</exception>
    public ResidencyPolicy Next(ReadOnlyMemory<byte> json, IEnumerable<string> topology, string region = "") =>
        Read(json, [.. topology], region, Regions, _time);

    /// <summary>
    /// Reads and checks a policy file, with the regimes that it names (<see cref="PolicyBundle"/>); see
    /// <see cref="Parse"/>.
    /// </summary>
    /// <exception cref="ResidencyPolicyException">The file is absent or not usable.</exception>
    public static ResidencyPolicy Load(string path, IEnumerable<string> topology, TimeProvider? time = null) =>
        Parse(PolicyBundle.Load(path), topology, time);

    /// <summary>
    /// The region's index in <see cref="Regions"/>, or -1, which no <see cref="RegionSet"/> contains.
    /// </summary>
    public int IndexOf(string region) => _regionIndexes.GetValueOrDefault(region, -1);

    public bool HasTenant(string tenant) => _tenants.ContainsKey(tenant);

    /// <summary>The class below which this tenant's data never falls; null for an unknown tenant.</summary>
    public DataClass? TenantFloor(string tenant) => _tenants.TryGetValue(tenant, out int i) ? _byIndex[i] : null;

    /// <summary>The same for a model, by its own entry or <c>default</c>; null when the policy has neither.</summary>
    public DataClass? ModelFloor(string model) =>
        _models.TryGetValue(model, out int i) ? _byIndex[i] : _defaultModel >= 0 ? _byIndex[_defaultModel] : null;

    /// <summary>
    /// The strictest of the tenant's floor, the model's floor and the class the caller asked for: the intersection of
    /// their regions, so that a header can only tighten.
    /// </summary>
    /// <param name="tenant">Who asks.</param>
    /// <param name="model">
    /// The model, or null while only the headers are known: then no model floor applies yet.
    /// </param>
    /// <param name="dataClass">
    /// The caller's class, or several joined by <c>+</c>; null or empty when it named none.
    /// </param>
    public ResidencyVerdict Decide(string tenant, string? model, string? dataClass)
    {
        if (!_tenants.TryGetValue(tenant, out int tenantClass))
            return new ResidencyVerdict.UnknownTenant(tenant);
        int unset = _byIndex.Length;
        int modelClass = unset;
        if (model is not null && !_models.TryGetValue(model, out modelClass) && (modelClass = _defaultModel) < 0)
            return new ResidencyVerdict.UnknownModel(model);
        int headerClass = unset;
        if (!string.IsNullOrEmpty(dataClass) && !_classes.TryGetValue(dataClass, out headerClass))
            return DecideJoined(tenantClass, modelClass, dataClass);

        ref ResidencyVerdict.Known? cell =
            ref _decided[((tenantClass * (unset + 1)) + modelClass) * (unset + 1) + headerClass];
        return cell ??= new(Strictest([headerClass, tenantClass, modelClass]));
    }

    private ResidencyVerdict DecideJoined(int tenantClass, int modelClass, string joined)
    {
        string[] names = joined.Split('+', JoinedClassesMax + 1);
        if (names.Length > JoinedClassesMax)
            return new ResidencyVerdict.UnknownClass(joined);
        Span<int> parts = stackalloc int[names.Length + 2];
        for (int i = 0; i < names.Length; i++)
            if (!_classes.TryGetValue(names[i], out parts[i]))
                return new ResidencyVerdict.UnknownClass(joined);
        (parts[^2], parts[^1]) = (tenantClass, modelClass);
        return new ResidencyVerdict.Known(Strictest(parts));
    }

    private EffectiveClass Strictest(ReadOnlySpan<int> indexes)
    {
        List<DataClass> parts = [];
        foreach (int i in indexes)
            if (i < _byIndex.Length && !parts.Contains(_byIndex[i]))
                parts.Add(_byIndex[i]);
        RegionSet set = parts.Aggregate(parts[0].Set, (all, part) => all.And(part.Set));
        bool regulated = parts.Exists(p => p.Regulated);
        return new EffectiveClass(NameOf(parts, set), set, NamesOf(set), regulated);
    }

    private static string NameOf(List<DataClass> parts, RegionSet set)
    {
        // A regulated class gives the name before an unregulated one with the same regions.
        DataClass? exact = parts.Find(p => p.Set == set && p.Regulated) ?? parts.Find(p => p.Set == set);
        if (exact is not null && (exact.Regulated || !parts.Exists(p => p.Regulated)))
            return exact.Name;

        // Only what narrows belongs in the name, and what regulates: a receiver must come to the same answer by it.
        IEnumerable<DataClass> narrowing = parts.Where(p =>
            p.Regulated || !parts.Exists(q => q != p && q.Set != p.Set && q.Set.IsSubsetOf(p.Set)));
        return string.Join('+', narrowing.Select(p => p.Name).Order(StringComparer.Ordinal));
    }

    private string[] NamesOf(RegionSet set) => [.. Regions.Where((_, i) => set.Contains(i))];
}
