using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Search;

/// <summary>
/// Where a search goes on: of each log, before which place. Opaque to callers, and nothing to trust: what a caller may
/// read is decided with each page anew.
/// </summary>
/// <param name="Filter">A digest of what is searched for.</param>
/// <param name="Before">By service (REGION/ZONE): only before this place; 1: that log has no more.</param>
/// <param name="Missing">Services that did not answer when the search began, and are left out to its end.</param>
internal sealed record SearchPosition(
    string Filter, IReadOnlyDictionary<string, long> Before, IReadOnlyList<string> Missing)
{
    private const int TokenLengthMax = 8192;

    public static string DigestOf(AuditFilter filter) =>
        Base64Url.EncodeToString(SHA256.HashData(filter.ToByteArray()).AsSpan(0, 12));

    public string Write() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this));

    /// <summary>Null: it is none, or of another filter.</summary>
    public static SearchPosition? Read(string token, string filter)
    {
        if (token.Length > TokenLengthMax)
            return null;
        try
        {
            var position = JsonSerializer.Deserialize<SearchPosition>(Base64Url.DecodeFromChars(token));
            return position is { Before: not null, Missing: not null } && position.Filter == filter
                && position.Before.Values.All(b => b >= 1) ? position : null;
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            return null;
        }
    }
}
