using System.Globalization;
using Lepton.Sync.V1;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>What became of a write, as its caller was told.</summary>
internal enum Told
{
    /// <summary>It is as safe as was asked for.</summary>
    Acknowledged,

    /// <summary>Nobody knows, or it is not yet as safe.</summary>
    Unknown,

    /// <summary>Nothing was written.</summary>
    Refused,
}

/// <param name="Class">Its class.</param>
/// <param name="Key">Its key; no other write has it.</param>
/// <param name="Level">What was asked for.</param>
/// <param name="Told">What was said.</param>
internal sealed record LedgerEntry(string Class, string Key, WriteLevel Level, Told Told);

/// <summary>Every write that was tried, and what was found of it in the end.</summary>
internal sealed class WriteLedger
{
    private readonly Lock _gate = new();
    private readonly List<LedgerEntry> _entries = [];

    public IReadOnlyList<LedgerEntry> Entries
    {
        get
        {
            lock (_gate)
                return [.. _entries];
        }
    }

    public int Acknowledged
    {
        get
        {
            lock (_gate)
                return _entries.Count(e => e.Told == Told.Acknowledged);
        }
    }

    public void Add(LedgerEntry entry)
    {
        lock (_gate)
            _entries.Add(entry);
    }

    /// <summary>A line for each level, and the sum.</summary>
    /// <param name="missing">Acknowledged writes that are not there.</param>
    /// <param name="isAside">Is it among the stranded writes of a home that was given up?</param>
    /// <returns>How many were lost: neither there nor put aside.</returns>
    public int Print(IReadOnlySet<LedgerEntry> missing, Func<LedgerEntry, bool> isAside)
    {
        IReadOnlyList<LedgerEntry> all = Entries;
        Console.WriteLine(
            $"{"level",-8}{"tried",9}{"refused",9}{"unknown",9}{"acknowl.",10}{"found",9}{"aside",7}{"lost",6}");
        foreach (WriteLevel level in all.Select(e => e.Level).Distinct().Order())
            Line(level.ToString().ToUpperInvariant(), [.. all.Where(e => e.Level == level)]);
        return Line("all", all);

        int Line(string name, IReadOnlyList<LedgerEntry> entries)
        {
            LedgerEntry[] acknowledged = [.. entries.Where(e => e.Told == Told.Acknowledged)];
            LedgerEntry[] gone = [.. acknowledged.Where(missing.Contains)];
            int aside = gone.Count(isAside);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-8}{entries.Count,9}{entries.Count(e => e.Told == Told.Refused),9}"
                + $"{entries.Count(e => e.Told == Told.Unknown),9}{acknowledged.Length,10}"
                + $"{acknowledged.Length - gone.Length,9}{aside,7}{gone.Length - aside,6}"));
            return gone.Length - aside;
        }
    }
}
