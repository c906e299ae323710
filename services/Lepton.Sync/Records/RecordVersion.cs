using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lepton.Sync.Records;

/// <summary>
/// A record's version: first the term (the map's epoch since which its slot has this home), then the home's hybrid
/// logical clock. Versions of one key only ever grow; a record of a later term beats any of an earlier one.
/// </summary>
/// <param name="Term">1 or more; 0: no version.</param>
/// <param name="Clock">Milliseconds since 1970 in the upper 48 bits, a counter in the lower 16.</param>
internal readonly record struct RecordVersion(long Term, long Clock) : IComparable<RecordVersion>
{
    private const int CounterBits = 16;

    /// <summary>The version of what is not there.</summary>
    public static RecordVersion None => default;

    /// <summary>When the home took the write, by its clock.</summary>
    public DateTimeOffset WriteTime => DateTimeOffset.FromUnixTimeMilliseconds(Clock >> CounterBits);

    public int CompareTo(RecordVersion other) =>
        Term == other.Term ? Clock.CompareTo(other.Clock) : Term.CompareTo(other.Term);

    public static bool operator <(RecordVersion a, RecordVersion b) => a.CompareTo(b) < 0;

    public static bool operator >(RecordVersion a, RecordVersion b) => a.CompareTo(b) > 0;

    public static bool operator <=(RecordVersion a, RecordVersion b) => a.CompareTo(b) <= 0;

    public static bool operator >=(RecordVersion a, RecordVersion b) => a.CompareTo(b) >= 0;

    /// <summary>As on the wire: <c>0</c>, or 16 and 16 hex digits with a hyphen, in the order of versions.</summary>
    public override string ToString() => this == None ? "0" : string.Create(
        CultureInfo.InvariantCulture, $"{Term:x16}-{Clock:x16}");

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(string text, out RecordVersion version)
    {
        version = None;
        if (text == "0")
            return true;
        if (text.Length != 33 || text[16] != '-' || !TryHex(text.AsSpan(0, 16), out var term) || term <= 0
            || !TryHex(text.AsSpan(17), out var clock) || clock <= 0)
            return false;
        version = new RecordVersion(term, clock);
        return true;
    }

    private static bool TryHex(ReadOnlySpan<char> digits, out long value) => long.TryParse(
        digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value)
        && !digits.ContainsAnyInRange('A', 'F');
}
