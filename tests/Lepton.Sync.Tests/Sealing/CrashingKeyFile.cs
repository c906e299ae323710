using Lepton.Sync.Sealing;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>
/// A key store's bytes in memory. At a chosen write the power goes: before it, or after a part of it.
/// </summary>
internal sealed class CrashingKeyFile(byte[]? bytes = null) : IKeyFile
{
    /// <summary>What is durable.</summary>
    public byte[] Bytes { get; set; } = bytes ?? [];

    public int Appends { get; private set; }

    public int Replacements { get; private set; }

    /// <summary>The next append fails after so many of its bytes; null: it does not.</summary>
    public int? CutNextAppendAt { get; set; }

    /// <summary>The next replacement fails before anything changed.</summary>
    public bool FailNextReplacement { get; set; }

    public Task<byte[]> ReadAsync(CancellationToken cancellationToken) => Task.FromResult(Bytes);

    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Appends++;
        if (CutNextAppendAt is { } cut)
        {
            CutNextAppendAt = null;
            Bytes = [.. Bytes, .. bytes[..Math.Min(cut, bytes.Length)].ToArray()];
            throw new IOException("No space left on the device.");
        }
        Bytes = [.. Bytes, .. bytes.ToArray()];
    }

    public async Task ReplaceAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await Task.Yield();
        Replacements++;
        if (FailNextReplacement)
        {
            FailNextReplacement = false;
            throw new IOException("No space left on the device.");
        }
        Bytes = bytes.ToArray();
    }
}
