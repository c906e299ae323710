namespace Lepton.ServiceDefaults;

/// <summary>The header that carries a hop assertion, and what its signature covers.</summary>
public static class HopHeader
{
    /// <summary>Name of the header (gRPC metadata).</summary>
    public const string Name = "x-lepton-hop-bin";

    /// <summary>Extended key usage of a signing certificate.</summary>
    public const string KeyUsage = "1.3.6.1.4.1.59999.1.1";

    /// <summary>Largest header value taken, in bytes before base64.</summary>
    internal const int BytesMax = 8192;

    // A context string, so that a signature made for anything else can never pass for an assertion.
    internal static byte[] Signed(ReadOnlySpan<byte> claims) => [.. "lepton-hop-v1\0"u8, .. claims];
}
