using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

namespace Lepton.Sync.Tests.Client;

/// <summary>C2: control data is what a trusted signer signed, for this record, and nothing else.</summary>
public sealed class SignedContentTests : IDisposable
{
    private const string Key = "control/test";
    private readonly ClientWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Read_Signed_GivesContentAndVersion()
    {
        SignedContent read = Read(_world.Sign(Key, 7, "content"));

        Assert.Equal("content", Encoding.UTF8.GetString(read.Content.Span));
        Assert.Equal((Key, 7), (read.Key, read.Version));
    }

    [Fact]
    public void Read_SignerSinceExpired_StillHolds()
    {
        ReadOnlyMemory<byte> jws = _world.Sign(Key, 1, "x", life: TimeSpan.FromHours(2));
        _world.Time.Advance(TimeSpan.FromDays(30));

        Assert.Equal(1, Read(jws).Version);
    }

    [Fact]
    public void Read_SignedOutsideTheSignersTime_IsRefused()
    {
        _world.Time.Advance(TimeSpan.FromHours(5));
        ReadOnlyMemory<byte> late = _world.Sign(Key, 1, "x", life: TimeSpan.FromHours(2));

        Assert.Contains("in its time", Refusal(late), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SignedInTheFuture_IsRefused()
    {
        _world.Time.Advance(TimeSpan.FromHours(1));
        ReadOnlyMemory<byte> jws = _world.Sign(Key, 1, "x");
        _world.Time.Advance(TimeSpan.FromMinutes(-6));

        Assert.Contains("yet to come", Refusal(jws), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnotherUse_IsRefused() => Assert.Contains("not this installation's", Refusal(
        _world.Sign(Key, 1, "x", usage: "1.3.6.1.4.1.59999.1.1")), StringComparison.Ordinal);

    [Fact]
    public void Read_AnotherInstallations_IsRefused()
    {
        using ClientWorld other = new();

        Assert.Contains("not this installation's", Refusal(other.Sign(Key, 1, "x")), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_SignedForAnotherRecord_IsRefused() => Assert.Contains("was signed for 'control/other'",
        Refusal(_world.Sign("control/other", 1, "x")), StringComparison.Ordinal);

    [Fact]
    public void Read_AccessFile_IsRefused() => Assert.Contains("typ lepton-control+jws",
        Refusal(File.ReadAllBytes(_world.Installation.AccessFile)), StringComparison.Ordinal);

    [Fact]
    public void Read_AnyByteChanged_IsRefused()
    {
        byte[] good = _world.Sign(Key, 3, "some content").ToArray();
        Random random = new(11);
        for (int i = 0; i < 500; i++)
        {
            byte[] bad = [.. good];
            // Not by less than what base64 tells: the last character has bits that count for nothing.
            bad[random.Next(bad.Length - 1)] ^= (byte)random.Next(1, 256);
            if (!bad.AsSpan().SequenceEqual(good))
                Assert.NotEmpty(Refusal(bad));
        }
        for (int length = 0; length < good.Length; length += 7)
            Assert.NotEmpty(Refusal(good.AsMemory(0, length)));
    }

    [Fact]
    public void Read_ContentExchangedUnderTheSameHeader_IsRefused()
    {
        string[] parts = Encoding.ASCII.GetString(_world.Sign(Key, 3, "some content").Span).Split('.');
        parts[1] = Base64Url.EncodeToString("other"u8);

        Assert.Contains("signature", Refusal(Encoding.ASCII.GetBytes(string.Join('.', parts))),
            StringComparison.Ordinal);
    }

    private SignedContent Read(ReadOnlyMemory<byte> jws)
    {
        TlsMaterial material = _world.Material();
        Oid use = new(SignedContent.KeyUsage);
        return SignedContent.Read(jws, Key, (c, at) => material.IsTrusted(c, use, at), _world.Time.GetUtcNow());
    }

    private string Refusal(ReadOnlyMemory<byte> jws) =>
        Assert.Throws<ControlContentException>(() => Read(jws)).Message;
}
