using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Lepton.Compliance.Client;

namespace Lepton.Compliance.Tests;

/// <summary>What must hold for every policy: checked over random ones. FsCheck prints the seed of a failure.</summary>
public sealed class ResidencyPropertyTests
{
    private static readonly string[] World = ["aa", "bb", "cc", "dd", "ee"];

    /// <summary>A random policy: five classes with random regions, a tenant and a model with random floors.</summary>
    private sealed record Case(ResidencyPolicy Policy, int[] Masks, bool[] Regulated, int Tenant, int Model,
        int[] Header)
    {
        public string? HeaderText => Header.Length == 0 ? null : string.Join('+', Header.Select(c => $"c{c}"));

        public EffectiveClass Decide(string? header) =>
            ((ResidencyVerdict.Known)Policy.Decide("t", "m", header)).Class;
    }

    private static Arbitrary<Case> Cases()
    {
        Gen<Case> gen =
            from masks in Gen.ArrayOf(Gen.Choose(1, 31), 5)
            from regulated in Gen.ArrayOf(Gen.Elements(true, false), 5)
            from tenant in Gen.Choose(0, 4)
            from model in Gen.Choose(0, 4)
            from length in Gen.Choose(0, 3)
            from header in Gen.ArrayOf(Gen.Choose(0, 4), length)
            select new Case(Build(masks, regulated, tenant, model), masks, regulated, tenant, model, header);
        return gen.ToArbitrary();
    }

    private static ResidencyPolicy Build(int[] masks, bool[] regulated, int tenant, int model) =>
        ResidencyPolicy.Parse(JsonSerializer.SerializeToUtf8Bytes(new
        {
            version = 1,
            dataClasses = Enumerable.Range(0, masks.Length).ToDictionary(
                c => $"c{c}", c => new { regions = Names(masks[c]), regulated = regulated[c] }),
            tenants = new { t = new { floor = $"c{tenant}" } },
            models = new { m = new { floor = $"c{model}" } },
        }), World);

    private static string[] Names(int mask) => [.. World.Where((_, i) => (mask >> i & 1) != 0)];

    [Fact]
    public void Decide_AnyPolicy_IsExactlyTheIntersection() =>
        Prop.ForAll(Cases(), c =>
        {
            int[] parts = [c.Tenant, c.Model, .. c.Header];
            EffectiveClass got = c.Decide(c.HeaderText);
            return got.Regions.SequenceEqual(Names(parts.Aggregate(31, (all, p) => all & c.Masks[p])))
                && got.Regulated == parts.Any(p => c.Regulated[p])
                && World.All(r => got.Allows(r) == got.Set.Contains(c.Policy.IndexOf(r)));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Decide_AnyHeader_OnlyTightens() =>
        Prop.ForAll(Cases(), c =>
        {
            EffectiveClass plain = c.Decide(null), with = c.Decide(c.HeaderText);
            return with.Set.IsSubsetOf(plain.Set) && (with.Regulated || !plain.Regulated);
        }).QuickCheckThrowOnFailure();

    /// <summary>A node gets the name that a gateway decided, and must come to the same regions by it.</summary>
    [Fact]
    public void Decide_ByTheNameDecided_DecidesTheSame() =>
        Prop.ForAll(Cases(), c =>
        {
            EffectiveClass first = c.Decide(c.HeaderText);
            EffectiveClass again = c.Decide(first.Name);
            return again.Set == first.Set && again.Regulated == first.Regulated && again.Name == first.Name;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void RegionSet_AnyIndexes_BehavesAsASet() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, RegionSet.Capacity - 1)).ToArbitrary(), indexes =>
        {
            RegionSet set = indexes.Aggregate(RegionSet.None, (all, i) => all.With(i));
            return set.Count == indexes.Distinct().Count()
                && Enumerable.Range(-1, RegionSet.Capacity + 2).All(i => set.Contains(i) == indexes.Contains(i))
                && set.IsEmpty == (indexes.Count == 0);
        }).QuickCheckThrowOnFailure();
}
