using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>R5: nodes and remote routers take work only with a genuine assertion made for them.</summary>
public sealed class HopTests : IDisposable
{
    private const string Node = "inference-eu-west-a";
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly Caller Router = new(CallerKind.Service, "eu-west", "routing", "");

    private readonly TestInstallation installation = new(Now);
    private readonly MovableTime time = new(Now);
    private readonly HopVerifier verifier;
    private readonly HopSigner signer;

    public HopTests()
    {
        verifier = new HopVerifier(Material(installation), time);
        var (certificate, key) = installation.HopSigning("eu-west");
        signer = HopSigner.FromFiles(certificate, key);
    }

    public void Dispose()
    {
        signer.Dispose();
        installation.Dispose();
    }

    [Fact]
    public void Verify_Genuine_GivesTheClaims()
    {
        var verdict = verifier.Verify(signer.Sign(Assertion()), null, Node, Router);
        var accepted = Assert.IsType<HopVerdict.Accepted>(verdict);
        Assert.Equal(Assertion(), accepted.Assertion);
        Assert.Equal("eu-west", accepted.Issuer.Region);
    }

    [Fact]
    public void Verify_UnpaddedBase64_Accepted() =>
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(signer.Sign(Assertion()).TrimEnd('='), null, Node, Router));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not base64!")]
    [InlineData("AAAA")]
    public void Verify_NoAssertion_Refused(string? header) => AssertRefused(header);

    [Fact]
    public void Verify_Oversized_Refused() => AssertRefused(Convert.ToBase64String(new byte[9000]));

    [Fact]
    public void Verify_EveryByteChanged_Refused()
    {
        var genuine = Convert.FromBase64String(signer.Sign(Assertion()));
        for (var i = 0; i < genuine.Length; i++)
        {
            var changed = (byte[])genuine.Clone();
            changed[i] ^= 1;
            AssertRefused(Convert.ToBase64String(changed));
        }
    }

    [Theory]
    [InlineData("audience")]
    [InlineData("hops 0")]
    [InlineData("hops 3")]
    [InlineData("no tenant")]
    [InlineData("no regions")]
    [InlineData("no expiry")]
    [InlineData("long life")]
    [InlineData("future")]
    public void Verify_WrongClaim_Refused(string what)
    {
        var a = Assertion();
        switch (what)
        {
            case "audience": a.Audience = "inference-eu-west-b"; break;
            case "hops 0": a.Hops = 0; break;
            case "hops 3": a.Hops = 3; break;
            case "no tenant": a.Tenant = ""; break;
            case "no regions": a.AllowedRegions.Clear(); break;
            case "no expiry": a.ExpireTime = null; break;
            case "long life": a.ExpireTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(6)); break;
            case "future": a.IssueTime = Timestamp.FromDateTimeOffset(Now.AddSeconds(6)); break;
        }
        AssertRefused(signer.Sign(a));
    }

    [Fact]
    public void Verify_AfterItsTime_Refused()
    {
        var header = signer.Sign(Assertion());
        time.Advance(Now.AddSeconds(29.9) - time.GetUtcNow());
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(header, null, Node, Router));
        time.Advance(Now.AddSeconds(30) - time.GetUtcNow());
        AssertRefused(header);
    }

    [Fact]
    public void Verify_SentByAnotherThanSigned_Refused() => Assert.IsType<HopVerdict.Refused>(
        verifier.Verify(
            signer.Sign(Assertion()), null, Node, new Caller(CallerKind.Service, "us-east", "routing", "")));

    [Fact]
    public void Verify_SignedByTlsLeafOrOtherAuthority_Refused()
    {
        var (certificate, key) = installation.Service("eu-west", "routing");
        using var leaf = HopSigner.FromFiles(certificate, key);
        AssertRefused(leaf.Sign(Assertion()));

        using var other = new TestInstallation(Now);
        (certificate, key) = other.HopSigning("eu-west");
        using var foreign = HopSigner.FromFiles(certificate, key);
        AssertRefused(foreign.Sign(Assertion()));
    }

    [Fact]
    public void Verify_SwappedClaimsUnderGenuineSignature_Refused()
    {
        var genuine = SignedHopAssertion.Parser.ParseFrom(Convert.FromBase64String(signer.Sign(Assertion())));
        var wider = Assertion();
        wider.AllowedRegions.Add("us-east");
        genuine.Assertion = wider.ToByteString();
        AssertRefused(Convert.ToBase64String(genuine.ToByteArray()));
    }

    private void AssertRefused(string? header) =>
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(header, null, Node, Router));

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

    private TlsMaterial Material(TestInstallation of)
    {
        var (certificate, key) = of.Service("eu-west", "inference");
        var options = new TlsOptions { CertificateFile = certificate, KeyFile = key, AuthorityFile = of.AuthorityFile };
        return new TlsMaterial(Options.Create(options), time, NullLogger<TlsMaterial>.Instance);
    }
}
