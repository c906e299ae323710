using Lepton.Sync.Homes;

namespace Lepton.Sync.Tests.Homes;

public sealed class PageTokenTests
{
    [Fact]
    public void Read_OfTheSameScan_IsWhatWasWritten() =>
        Assert.Equal([1, 2, 255], PageToken.Read("scan", PageToken.Write("scan", [1, 2, 255]))!.Value.ToArray());

    [Fact]
    public void Read_Empty_IsTheStart() => Assert.Equal(0, PageToken.Read("scan", "")!.Value.Length);

    [Theory]
    [InlineData("x")]
    [InlineData("AAAA")]
    [InlineData("AAAAAAAAAAA")]
    [InlineData("!!")]
    public void Read_AnythingElse_IsRefused(string token) => Assert.Null(PageToken.Read("scan", token));

    [Fact]
    public void Read_OfAnotherScan_IsRefused() => Assert.Null(PageToken.Read("other", PageToken.Write("scan", [1])));
}
