using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Lepton.ServiceDefaults;

/// <summary>The headers that carry a hop assertion and its grant, and what signatures and MACs cover.</summary>
public static class HopHeader
{
    /// <summary>Name of the assertion's header (gRPC metadata).</summary>
    public const string Name = "x-lepton-hop-bin";

    /// <summary>Name of the grant's header. It holds a key: never logged, never passed on.</summary>
    public const string Grant = "x-lepton-hop-grant-bin";

    /// <summary>Extended key usage of a signing certificate.</summary>
    public const string KeyUsage = "1.3.6.1.4.1.59999.1.1";

    internal static readonly Oid Use = new(KeyUsage);

    /// <summary>Largest header value taken, in bytes before base64.</summary>
    internal const int BytesMax = 8192;

    internal const int GrantIdBytes = 16, KeyBytes = 32, MacBytes = 32;

    // Context strings, so that what was made for one purpose can never pass for another.
    internal static ReadOnlySpan<byte> AssertionContext => "lepton-hop-v1\0"u8;

    internal static ReadOnlySpan<byte> GrantContext => "lepton-hop-grant-v1\0"u8;

    internal static ReadOnlySpan<byte> MacContext => "lepton-hop-mac-v1\0"u8;

    // A header sent twice is joined by a comma here, which is no base64: refused.
    internal static string? Value(IHeaderDictionary headers, string name) =>
        headers.TryGetValue(name, out var values) ? values.ToString() : null;
}
