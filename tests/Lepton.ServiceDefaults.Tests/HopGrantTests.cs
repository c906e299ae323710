using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>R5: an assertion sealed under a router's grant is as good as a signed one, and as hard to make.</summary>
public sealed class HopGrantTests : IDisposable
{
    private const string Node = "inference-eu-west-a";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly Caller Router = new(CallerKind.Service, "eu-west", "routing", "");

    private readonly TestInstallation installation = new(Now);
    private readonly MovableTime time = new(Now);
    private readonly HopVerifier verifier;
    private readonly HopSigner signer;
    private readonly HopSealer sealer;

    public HopGrantTests()
    {
        var (certificate, key) = installation.Service("eu-west", "inference");
        var options = new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = installation.AuthorityFile,
        };
        verifier = new HopVerifier(
            new TlsMaterial(Options.Create(options), time, NullLogger<TlsMaterial>.Instance), time);
        (certificate, key) = installation.HopSigning("eu-west");
        signer = HopSigner.FromFiles(certificate, key);
        sealer = new HopSealer(signer, time);
    }

    public void Dispose()
    {
        signer.Dispose();
        installation.Dispose();
    }

    [Fact]
    public void Verify_Sealed_GivesTheClaims()
    {
        for (ulong i = 1; i <= 2; i++) // the second time from the cache
        {
            var hop = Seal(Assertion());
            var headers = new HeaderDictionary { [HopHeader.Name] = hop.Assertion, [HopHeader.Grant] = hop.Grant };
            var accepted = Assert.IsType<HopVerdict.Accepted>(verifier.Verify(headers, Node, Router));
            var expected = Assertion();
            expected.Sequence = i;
            Assert.Equal(expected, accepted.Assertion);
            Assert.Equal(Router, accepted.Issuer);
        }
    }

    [Fact]
    public void Verify_SealedTwice_IsTakenOnce()
    {
        SealedHop[] hops = [.. Enumerable.Range(0, 200).Select(_ => Seal(Assertion()))];
        foreach (var hop in hops.Reverse())
            Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));

        foreach (var hop in hops)
            AssertRefused(hop.Assertion, hop.Grant);
    }

    [Fact]
    public void Verify_SealedThatWasRefusedFirst_TookNoNumber()
    {
        var hop = Seal(Assertion());
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(hop.Assertion, hop.Grant, "inference-eu-west-b", Router));
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
    }

    [Fact]
    public void Verify_SignedTwice_IsTakenOnceInWhateverForm()
    {
        var signed = signer.Sign(Assertion());
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(signed, null, Node, Router));

        AssertRefused(signed, null);
        AssertRefused(signer.Sign(Assertion()), null); // the same words under another signature
        var later = Assertion();
        later.Attempt = 2;
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(signer.Sign(later), null, Node, Router));
    }

    [Fact]
    public void Verify_ManyRegions_LengthOfTwoBytes()
    {
        var long300 = Assertion();
        long300.Principal = new string('p', 300);
        var hop = Seal(long300);
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Verify_EveryByteOfTheAssertionChanged_Refused(bool grantKnown)
    {
        var hop = Seal(Assertion());
        if (grantKnown)
            Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
        var genuine = Convert.FromBase64String(hop.Assertion);
        for (var i = 0; i < genuine.Length; i++)
            AssertRefused(Convert.ToBase64String(Changed(genuine, i)), hop.Grant);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Verify_EveryByteOfTheGrantChanged_Refused(bool grantKnown)
    {
        var hop = Seal(Assertion());
        if (grantKnown)
            Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
        var genuine = Convert.FromBase64String(hop.Grant);
        for (var i = 0; i < genuine.Length; i++)
            AssertRefused(hop.Assertion, Convert.ToBase64String(Changed(genuine, i)));
        hop = Seal(Assertion());
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("no base64!")]
    public void Verify_NoGrant_RefusedEvenWhenItIsKnown(string? grant)
    {
        var hop = Seal(Assertion());
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
        AssertRefused(hop.Assertion, grant);
    }

    [Fact]
    public void Verify_OtherGrantBeside_Refused()
    {
        var other = new HopSealer(signer, time).Seal(Node, Assertion().ToByteArray());
        AssertRefused(Seal(Assertion()).Assertion, other.Grant);
    }

    [Fact]
    public void Verify_GrantForAnother_Refused()
    {
        // The claims say us, the grant does not: whoever has a key for one node has none for another.
        var hop = sealer.Seal("inference-eu-west-b", Assertion().ToByteArray());
        AssertRefused(hop.Assertion, hop.Grant);
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(hop.Assertion, hop.Grant, "inference-eu-west-b", Router));
    }

    [Fact]
    public void Verify_SentByAnotherThanGranted_RefusedEvenWhenKnown()
    {
        var hop = Seal(Assertion());
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(hop.Assertion, hop.Grant, Node,
            new Caller(CallerKind.Service, "us-east", "routing", "")));
    }

    [Fact]
    public void Verify_GrantSignedByTlsLeafOrOtherAuthority_Refused()
    {
        var (certificate, key) = installation.Service("eu-west", "routing");
        using var leaf = HopSigner.FromFiles(certificate, key);
        using var other = new TestInstallation(Now);
        (certificate, key) = other.HopSigning("eu-west");
        using var foreign = HopSigner.FromFiles(certificate, key);
        foreach (var wrong in (HopSigner[])[leaf, foreign])
        {
            var hop = new HopSealer(wrong, time).Seal(Node, Assertion().ToByteArray());
            AssertRefused(hop.Assertion, hop.Grant);
        }
    }

    [Theory]
    [InlineData("audience")]
    [InlineData("hops 3")]
    [InlineData("no regions")]
    [InlineData("long life")]
    [InlineData("future")]
    public void Verify_SealedWrongClaim_Refused(string what)
    {
        var a = Assertion();
        switch (what)
        {
            case "audience": a.Audience = "inference-eu-west-b"; break;
            case "hops 3": a.Hops = 3; break;
            case "no regions": a.AllowedRegions.Clear(); break;
            case "long life": a.ExpireTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(6)); break;
            case "future": a.IssueTime = Timestamp.FromDateTimeOffset(Now.AddSeconds(6)); break;
        }
        var hop = Seal(a);
        AssertRefused(hop.Assertion, hop.Grant);
    }

    [Theory]
    [InlineData("long life")]
    [InlineData("future")]
    [InlineData("short key")]
    [InlineData("short id")]
    [InlineData("no audience")]
    public void Verify_GrantOutOfBounds_Refused(string what)
    {
        var grant = new HopGrant
        {
            Id = ByteString.CopyFrom(new byte[16]), Audience = Node, Key = ByteString.CopyFrom(new byte[32]),
            IssueTime = Timestamp.FromDateTimeOffset(Now),
            ExpireTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(10)),
        };
        AssertVerdict<HopVerdict.Accepted>(grant);
        switch (what)
        {
            case "long life": grant.ExpireTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(16)); break;
            case "future": grant.IssueTime = Timestamp.FromDateTimeOffset(Now.AddSeconds(6)); break;
            case "short key": grant.Key = ByteString.CopyFrom(new byte[31]); break;
            case "short id": grant.Id = ByteString.CopyFrom(new byte[15]); break;
            case "no audience": grant.Audience = ""; break;
        }
        AssertVerdict<HopVerdict.Refused>(grant);
    }

    [Fact]
    public void Verify_SignedAndSealed_Refused()
    {
        var hop = Seal(Assertion());
        var both = SignedHopAssertion.Parser.ParseFrom(Convert.FromBase64String(signer.Sign(Assertion())));
        both.MergeFrom(Convert.FromBase64String(hop.Assertion));
        AssertRefused(Convert.ToBase64String(both.ToByteArray()), hop.Grant);
    }

    [Fact]
    public void Verify_AfterTheGrantsTime_Refused()
    {
        var old = Seal(Assertion());
        time.Advance(TimeSpan.FromMinutes(10));
        var late = Assertion();
        late.IssueTime = Timestamp.FromDateTimeOffset(time.GetUtcNow());
        late.ExpireTime = Timestamp.FromDateTimeOffset(time.GetUtcNow().AddSeconds(30));
        var fresh = Seal(late);
        AssertRefused(fresh.Assertion, old.Grant);
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(fresh.Assertion, fresh.Grant, Node, Router));
    }

    [Fact]
    public void Seal_HalfTheGrantsLife_Renews()
    {
        var first = Seal(Assertion()).Grant;
        time.Advance(TimeSpan.FromMinutes(4.9));
        Assert.Equal(first, Seal(Assertion()).Grant);
        time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.NotEqual(first, Seal(Assertion()).Grant);
    }

    private void AssertVerdict<T>(HopGrant grant)
    {
        var assertion = Assertion();
        assertion.Sequence = 1;
        var claims = assertion.ToByteArray();
        byte[] maced = [.. "lepton-hop-mac-v1\0"u8, .. claims];
        var header = new SignedHopAssertion
        {
            Assertion = ByteString.CopyFrom(claims), GrantId = grant.Id,
            Mac = ByteString.CopyFrom(System.Security.Cryptography.HMACSHA256.HashData(grant.Key.Span, maced)),
        };
        Assert.IsType<T>(verifier.Verify(
            Convert.ToBase64String(header.ToByteArray()), signer.Sign(grant), Node, Router));
    }

    private SealedHop Seal(HopAssertion assertion) => sealer.Seal(Node, assertion.ToByteArray());

    private void AssertRefused(string? header, string? grant) =>
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(header, grant, Node, Router));

    private static byte[] Changed(byte[] genuine, int at)
    {
        var changed = (byte[])genuine.Clone();
        changed[at] ^= 1;
        return changed;
    }

    private static HopAssertion Assertion() => new()
    {
        Principal = "tenant/demo",
        Tenant = "demo",
        DataClass = "eu-personal",
        AllowedRegions = { "eu-west" },
        DecisionId = "eu-west-00000000000000000000000000000001",
        Attempt = 1,
        Hops = 1,
        Audience = Node,
        Model = "ocr",
        IssueTime = Timestamp.FromDateTimeOffset(Now),
        ExpireTime = Timestamp.FromDateTimeOffset(Now.AddSeconds(30)),
    };
}
