using Lepton.Sync.Records;

namespace Lepton.Sync.Tests;

/// <summary>S4: versions order a key's writes, as values and as text.</summary>
public sealed class RecordVersionTests
{
    [Theory]
    [InlineData(1, 5, 1, 6)]
    [InlineData(1, 9, 2, 1)]
    public void CompareTo_LaterTermOrClock_IsGreaterAsValueAndAsText(long term, long clock, long term2, long clock2)
    {
        RecordVersion earlier = new(term, clock), later = new(term2, clock2);

        Assert.True(earlier < later);
        Assert.True(string.CompareOrdinal(earlier.ToString(), later.ToString()) < 0);
    }

    [Fact]
    public void TryParse_WhatToStringWrote_IsTheSame()
    {
        RecordVersion version = new(7, 0x0194_f2c0_a1b2_0003);

        Assert.True(RecordVersion.TryParse(version.ToString(), out RecordVersion read));
        Assert.Equal(version, read);
        Assert.True(RecordVersion.TryParse("0", out RecordVersion none));
        Assert.Equal(RecordVersion.None, none);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("0000000000000001-00000000000000FF")]
    [InlineData("0000000000000000-0000000000000001")]
    [InlineData("8000000000000001-0000000000000001")]
    [InlineData("0000000000000001-0000000000000001 ")]
    public void TryParse_AnythingElse_IsRefused(string text) => Assert.False(RecordVersion.TryParse(text, out _));
}
