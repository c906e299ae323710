using System.Buffers.Text;
using System.IO.Hashing;
using System.Text;

namespace Lepton.Sync.Homes;

/// <summary>Where the next page begins, bound to its scan: the scan's hash, then the last stored key.</summary>
internal static class PageToken
{
    private const int HashBytes = 8;

    public static string Write(string scan, ReadOnlySpan<byte> after) =>
        Base64Url.EncodeToString([.. XxHash3.Hash(Encoding.UTF8.GetBytes(scan)), .. after]);

    /// <summary>The stored key to begin after, empty for an empty token; null: not a token of this scan.</summary>
    public static ReadOnlyMemory<byte>? Read(string scan, string token)
    {
        if (token.Length == 0)
            return ReadOnlyMemory<byte>.Empty;
        if (token.Length > 4096 || !Base64Url.IsValid(token))
            return null;
        var bytes = Base64Url.DecodeFromChars(token);
        return bytes.Length > HashBytes
            && bytes.AsSpan(0, HashBytes).SequenceEqual(XxHash3.Hash(Encoding.UTF8.GetBytes(scan)))
                ? bytes.AsMemory(HashBytes)
                : (ReadOnlyMemory<byte>?)null;
    }
}
