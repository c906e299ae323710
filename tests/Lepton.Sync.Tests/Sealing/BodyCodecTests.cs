using System.Buffers.Binary;
using System.IO.Compression;
using Lepton.Sync.Sealing;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Sealing;

/// <summary>
/// S3: what does not get smaller stays plain, and no compressed bytes make more than a value's bound.
/// </summary>
public sealed class BodyCodecTests
{
    private readonly BodyCodec _codec = new(Options.Create(new SealingOptions()));

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(4096)]
    public void Compress_WhatGetsNoSmaller_StaysPlain(int length)
    {
        var noise = new byte[length];
        new Random(7).NextBytes(noise);

        var written = _codec.Compress("c", noise, noise, new byte[length], out var how, out var dictionary);

        Assert.Equal((0, Compression.None, (byte)0), (written, how, dictionary));
    }

    [Fact]
    public void Decompress_Bombs_AreRefused()
    {
        var zeros = new byte[BodyCodec.PayloadBytesMax + 1];
        using ZstdCompressor zstd = new([], 3);
        var frame = new byte[zeros.Length];
        var bomb = frame[..zstd.Compress(zeros, frame)];
        var brotli = new byte[1 << 16];
        Assert.True(BrotliEncoder.TryCompress(zeros, brotli.AsSpan(4), out var length, 5, 22));
        BinaryPrimitives.WriteInt32BigEndian(brotli, zeros.Length);
        byte[] liar = [.. brotli[..(4 + length)]];
        BinaryPrimitives.WriteInt32BigEndian(liar, 100);

        Assert.True(bomb.Length < 200);
        Assert.Null(_codec.Decompress(Compression.Zstd, 0, bomb));
        Assert.Null(_codec.Decompress(Compression.Brotli, 0, brotli.AsSpan(0, 4 + length)));
        Assert.Null(_codec.Decompress(Compression.Brotli, 0, liar));
        Assert.Null(_codec.Decompress(Compression.None, 0, zeros));
    }

    [Fact]
    public void Decompress_DamagedFrames_AreRefusedOrOfTheStatedSize()
    {
        var value = System.Text.Encoding.UTF8.GetBytes(string.Join(',', Enumerable.Range(0, 200)));
        var to = new byte[value.Length];
        var frame = to[.._codec.Compress("c", value, value, to, out _, out var dictionary)];
        Random chance = new(11);
        for (var i = 0; i < 2000; i++)
        {
            var damaged = (byte[])frame.Clone();
            damaged[chance.Next(damaged.Length)] ^= (byte)(1 << chance.Next(8));
            var read = _codec.Decompress(Compression.Zstd, dictionary, damaged);
            Assert.True(read is null || read.Length <= BodyCodec.PayloadBytesMax);
        }
        Assert.Null(_codec.Decompress(Compression.Zstd, dictionary: 99, frame));
        Assert.Null(_codec.Decompress((Compression)3, 0, frame));
        Assert.Null(_codec.Decompress(Compression.Zstd, 0, []));
        Assert.Null(_codec.Decompress(Compression.Brotli, 0, [0, 0, 0, 1]));
    }
}
