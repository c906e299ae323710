using System.Security.Cryptography;

namespace Lepton.Sync.Sealing;

/// <summary>
/// Where keys, nonces and ids come from. The machine's own source; a simulation gives its seeded one.
/// </summary>
internal abstract class Entropy
{
    /// <summary>The operating system's.</summary>
    public static Entropy System { get; } = new SystemEntropy();

    public abstract void Fill(Span<byte> bytes);

    /// <summary>16 random bytes.</summary>
    public Guid NewId()
    {
        Span<byte> bytes = stackalloc byte[16];
        Fill(bytes);
        return new Guid(bytes);
    }

    private sealed class SystemEntropy : Entropy
    {
        public override void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
    }
}
