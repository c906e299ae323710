using System.Security.Cryptography;
using Lepton.Sync.Backup;
using Lepton.Sync.Backup.Sealed;

namespace Lepton.Sync.Tests.Backup;

/// <summary>Sealed objects: nothing that was changed, cut off, moved or renamed is opened (S7).</summary>
public sealed class SealedObjectTests
{
    private const string Name = "eu-west-a/base/x/base.tar";
    private const int Head = 36, Chunk = SealedFormat.ChunkBytes + SealedFormat.TagBytes;

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(SealedFormat.ChunkBytes - 1)]
    [InlineData(SealedFormat.ChunkBytes)]
    [InlineData(SealedFormat.ChunkBytes + 1)]
    [InlineData(3 * SealedFormat.ChunkBytes)]
    public async Task Open_WhatWasSealed_IsTheSame(int bytes)
    {
        var plain = RandomNumberGenerator.GetBytes(bytes);

        var (sealedBytes, digest) = await SealAsync(plain);
        var (opened, digestToo) = await OpenAsync(sealedBytes);

        Assert.Equal(plain, opened);
        Assert.Equal(SHA256.HashData(sealedBytes), digest);
        Assert.Equal(digest, digestToo);
    }

    [Theory]
    [InlineData("a byte of the salt")]
    [InlineData("a byte of the first chunk")]
    [InlineData("a byte of the last tag")]
    [InlineData("cut off in a chunk")]
    [InlineData("cut off between chunks")]
    [InlineData("cut off after the head")]
    [InlineData("two chunks in the other order")]
    [InlineData("a chunk twice")]
    [InlineData("a chunk left out")]
    [InlineData("bytes behind the end")]
    [InlineData("another name")]
    [InlineData("another key")]
    public async Task Open_Changed_IsFound(string change)
    {
        var (good, _) = await SealAsync(RandomNumberGenerator.GetBytes((2 * SealedFormat.ChunkBytes) + 100));
        byte[] Part(int index) => good[(Head + (index * Chunk))..Math.Min(good.Length, Head + ((index + 1) * Chunk))];
        byte[] Flip(int at)
        {
            var bytes = good.ToArray();
            bytes[at] ^= 1;
            return bytes;
        }
        var head = good[..Head];
        byte[] bad = change switch
        {
            "a byte of the salt" => Flip(10),
            "a byte of the first chunk" => Flip(Head + 1000),
            "a byte of the last tag" => Flip(good.Length - 1),
            "cut off in a chunk" => good[..^50],
            "cut off between chunks" => [.. head, .. Part(0), .. Part(1)],
            "cut off after the head" => head,
            "two chunks in the other order" => [.. head, .. Part(1), .. Part(0), .. Part(2)],
            "a chunk twice" => [.. head, .. Part(0), .. Part(0), .. Part(1), .. Part(2)],
            "a chunk left out" => [.. head, .. Part(0), .. Part(2)],
            "bytes behind the end" => [.. good, 0],
            _ => good,
        };

        var fault = await Assert.ThrowsAsync<BackupException>(() => OpenAsync(
            bad, change == "another name" ? "eu-west-a/base/y/base.tar" : Name,
            change == "another key" ? RandomNumberGenerator.GetBytes(32) : Key));

        Assert.Equal(BackupFault.Damaged, fault.Fault);
    }

    [Fact]
    public async Task Seal_WithoutItsEnd_IsNotOpened()
    {
        using MemoryStream target = new();
        await using (SealingStream sealing = new(target, Key, Name))
            await sealing.WriteAsync(new byte[SealedFormat.ChunkBytes * 2]);

        await Assert.ThrowsAsync<BackupException>(() => OpenAsync(target.ToArray()));
    }

    private static async Task<(byte[] Bytes, byte[] Sha256)> SealAsync(byte[] plain)
    {
        using MemoryStream target = new();
        await using SealingStream sealing = new(target, Key, Name);
        foreach (var part in plain.Chunk(100_000))
            await sealing.WriteAsync(part);
        var digest = await sealing.CompleteAsync(CancellationToken.None);
        return (target.ToArray(), digest);
    }

    private static async Task<(byte[] Plain, byte[] Sha256)> OpenAsync(
        byte[] bytes, string name = Name, byte[]? key = null)
    {
        await using OpeningStream opening = new(new MemoryStream(bytes), key ?? Key, name);
        using MemoryStream plain = new();
        await opening.CopyToAsync(plain);
        return (plain.ToArray(), opening.Sha256());
    }
}
