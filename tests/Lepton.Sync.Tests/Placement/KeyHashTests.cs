using System.Text;
using Lepton.Sync.Placement;

namespace Lepton.Sync.Tests.Placement;

/// <summary>
/// S1: a key's hash gives its slot. The expected values are those of xxHash's own xxhsum 0.8.1 (<c>xxhsum -H3</c>).
/// </summary>
public sealed class KeyHashTests
{
    [Theory]
    [InlineData("", 0x2d06800538d394c2)]
    [InlineData("a", 0xe6c632b61e964e1f)]
    [InlineData("abc", 0x78af5f94892f3950)]
    [InlineData("10", 0xd0698444ed39c832)]
    [InlineData("demo/orders/1", 0xf3c354640b51b4d4)]
    [InlineData("hello world", 0xd447b1ea40e6988b)]
    public void Of_Text_IsXxhsums(string key, ulong expected) =>
        Assert.Equal(expected, KeyHash.Of(Encoding.UTF8.GetBytes(key)));

    // Each length another of XXH3's ways: 1 to 3, 4 to 8, 9 to 16, 17 to 128, 129 to 240, longer, several stripes.
    [Theory]
    [InlineData(1, 0x13e608bc156defed)]
    [InlineData(3, 0xa9088dda485b481c)]
    [InlineData(4, 0x6d9253b16c8b1ed3)]
    [InlineData(8, 0x60539db630471163)]
    [InlineData(9, 0xfeff668361d723a8)]
    [InlineData(16, 0xb8c859b0f030b585)]
    [InlineData(17, 0x714a04408e79b80f)]
    [InlineData(128, 0x67425a03650261bf)]
    [InlineData(129, 0xc664bf3311c6abc4)]
    [InlineData(240, 0x64556dc6b462a6cf)]
    [InlineData(241, 0x8beadd3a8874fe17)]
    [InlineData(256, 0x3c38817f6d79c0da)]
    [InlineData(1024, 0x9b81661c641c72b1)]
    [InlineData(1088, 0x2f8781e01841f0da)]
    public void Of_BytesOfEachLength_IsXxhsums(int length, ulong expected) =>
        Assert.Equal(expected, KeyHash.Of([.. Enumerable.Range(0, length).Select(i => (byte)(i * 7 + 3))]));

    [Fact]
    public void SlotOf_AnyKey_IsTheLower12Bits()
    {
        Assert.Equal(0x950, KeyHash.SlotOf("abc"u8).Value);
        Assert.Equal(0x4c2, KeyHash.SlotOf([]).Value);
        Assert.Equal(0x832, KeyHash.SlotOf("10"u8).Value);
    }
}
