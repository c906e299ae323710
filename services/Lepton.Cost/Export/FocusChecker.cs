using System.Globalization;

namespace Lepton.Cost.Export;

/// <summary>A rule that a data set breaks.</summary>
/// <param name="Row">From 1, without the heading; 0: the data set.</param>
/// <param name="Column">Which.</param>
/// <param name="Says">What must be.</param>
internal sealed record FocusFault(int Row, string Column, string Says)
{
    public override string ToString() =>
        Row == 0 ? $"{Column} {Says}" : string.Create(CultureInfo.InvariantCulture, $"row {Row}: {Column} {Says}");
}

/// <summary>
/// Checks a CSV against every MUST of FOCUS that a machine can check without knowing the provider: columns, types,
/// nullability, allowed values, formats, what depends on what, sums. What it cannot: whether ids are unique over all
/// data sets, whether names and invoices are the provider's, texts as users wrote them, which columns a provider's
/// features make necessary. For 1.4 the rules of 1.2 are taken, but for the two columns that it drops.
/// </summary>
internal static class FocusChecker
{
    /// <summary>Faults reported; more are not looked for.</summary>
    public const int FaultsMax = 1_000;

    /// <summary>Checks.</summary>
    /// <param name="reader">The CSV, with its heading.</param>
    /// <param name="version">By which edition.</param>
    /// <param name="invoices">What each bill came to, by InvoiceId; null: not known. Rows without: empty text.</param>
    public static IReadOnlyList<FocusFault> Check(TextReader reader, FocusVersion version = FocusVersion.V12,
        IReadOnlyDictionary<string, decimal>? invoices = null)
    {
        FocusCheck check = new(version);
        try
        {
            foreach (var record in Csv.Read(reader))
            {
                check.Take(record);
                if (check.Faults.Count >= FaultsMax)
                    return check.Faults;
            }
        }
        catch (FormatException e)
        {
            check.Faults.Add(new FocusFault(0, "the file", $"is CSV: {e.Message}"));
            return check.Faults;
        }
        check.Complete(invoices);
        return check.Faults;
    }
}
