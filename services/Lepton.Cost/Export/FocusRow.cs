using System.Globalization;
using System.Text.RegularExpressions;

namespace Lepton.Cost.Export;

/// <summary>A row of a FOCUS data set as it was read, for rules to judge.</summary>
/// <param name="columns">Where each column is.</param>
/// <param name="fields">The row.</param>
internal sealed partial class FocusRow(IReadOnlyDictionary<string, int> columns, IReadOnlyList<string?> fields)
{
    /// <summary>A value; null: none, or the data set has no such column.</summary>
    public string? this[string column] => columns.TryGetValue(column, out var at) ? fields[at] : null;

    public bool IsTax => this["ChargeCategory"] == "Tax";

    public bool IsUsage => this["ChargeCategory"] == "Usage";

    public bool IsCorrection => this["ChargeClass"] == "Correction";

    /// <summary>Usage or a purchase, and no correction of an earlier period: then most must be said.</summary>
    public bool IsPriced => (IsUsage || this["ChargeCategory"] == "Purchase") && !IsCorrection;

    /// <summary>Has the data set this column?</summary>
    public bool Has(string column) => columns.ContainsKey(column);

    /// <summary>A number; null: no value, or none.</summary>
    public decimal? Number(string column) => ParseNumber(this[column]);

    /// <summary>A time; null: no value, or none.</summary>
    public DateTimeOffset? Time(string column) => ParseTime(this[column]);

    /// <summary>By the rules for numbers: no plus, no group, an exponent E whose sign is only a minus.</summary>
    public static decimal? ParseNumber(string? text) =>
        text is not null && NumberPattern().IsMatch(text)
        && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>By the rules for times: to the second, in UTC, ending in Z.</summary>
    public static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    [GeneratedRegex(@"^-?[0-9]+(\.[0-9]+)?(E-?[0-9]+)?\z")]
    private static partial Regex NumberPattern();
}
