using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>C1: renewed certificates are taken while a process runs, as a whole or not at all.</summary>
public sealed class FollowedFilesTests : IDisposable
{
    private const string Node = "inference-eu-west-a";
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private static readonly Caller Router = new(CallerKind.Service, "eu-west", "routing", "");

    private readonly TestInstallation installation = new(Now);
    private readonly MovableTime time = new(Now);
    private readonly TlsOptions options;
    private readonly TlsMaterial material;
    private readonly CertificateWatch watch;

    public FollowedFilesTests()
    {
        var (certificate, key) = installation.Service("eu-west", "routing");
        options = new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = installation.AuthorityFile,
        };
        material = new TlsMaterial(Options.Create(options), time, NullLogger<TlsMaterial>.Instance);
        watch = new CertificateWatch(
            material, Options.Create(options), time, NullLogger<CertificateWatch>.Instance);
    }

    public void Dispose() => installation.Dispose();

    [Fact]
    public void Certificate_Renewed_IsTakenAtTheNextLookAndNotBefore()
    {
        var former = material.Certificate;
        Renew();
        Assert.Same(former, material.Certificate);

        Look();

        Assert.NotEqual(former.SerialNumber, material.Certificate.SerialNumber);
        Assert.Equal((1, 0), Counts());
    }

    [Fact]
    public void Certificate_KeyIsLate_IsTakenWhenItHasCome()
    {
        var former = material.Certificate;
        var formerKey = File.ReadAllText(options.KeyFile);
        Renew();
        var key = File.ReadAllText(options.KeyFile);
        Write(options.KeyFile, formerKey);

        Look();
        Look(); // counted once
        Assert.Same(former, material.Certificate);
        Assert.Equal((0, 1), Counts());

        Write(options.KeyFile, key);
        Look();
        Assert.NotSame(former, material.Certificate);
        Assert.Equal((1, 1), Counts());
    }

    [Theory]
    [InlineData("half written")]
    [InlineData("empty")]
    [InlineData("no PEM")]
    [InlineData("absent")]
    public void Certificate_Damaged_IsNotTaken(string damage)
    {
        var former = material.Certificate;
        var good = File.ReadAllText(options.CertificateFile);
        if (damage == "absent")
            File.Delete(options.CertificateFile);
        else
            Write(options.CertificateFile, damage switch
            {
                "half written" => good[..(good.Length / 2)], "empty" => "", _ => "certificate",
            });

        Look();

        Assert.Same(former, material.Certificate);
        Assert.Equal((0, 1), Counts());
        Write(options.CertificateFile, good);
        Look();
        Assert.Equal((1, 1), Counts());
    }

    [Theory]
    [InlineData("of another authority", "region/eu-west/service/routing")]
    [InlineData("self-signed", "region/eu-west/service/routing")]
    [InlineData("expired", "region/eu-west/service/routing")]
    [InlineData("not yet valid", "region/eu-west/service/routing")]
    [InlineData("with two URIs", "region/eu-west/service/routing")]
    [InlineData("", "region/us-east/service/routing")]
    [InlineData("", "region/eu-west/service/cost")]
    public void Certificate_NotOursAnyMore_IsNotTaken(string wrong, string who)
    {
        var former = material.Certificate;
        using var leaf = WrongLeaves.Make(installation, wrong, who);
        using var key = leaf.GetECDsaPrivateKey()!;
        Write(options.CertificateFile, leaf.ExportCertificatePem());
        Write(options.KeyFile, key.ExportPkcs8PrivateKeyPem());

        Look();

        Assert.Same(former, material.Certificate);
        Assert.Equal((0, 1), Counts());
    }

    [Fact]
    public void Start_ForeignCertificate_NamesTheSetting()
    {
        using var other = new TestInstallation(Now);
        var foreign = new TlsOptions
        {
            CertificateFile = options.CertificateFile, KeyFile = options.KeyFile, AuthorityFile = other.AuthorityFile,
        };

        var e = Assert.Throws<InvalidDataException>(() =>
            new TlsMaterial(Options.Create(foreign), time, NullLogger<TlsMaterial>.Instance));

        Assert.Contains("Lepton:Tls:CertificateFile", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_EndComesNear_IsDegradedThenUnhealthy()
    {
        Assert.Equal(HealthStatus.Healthy, await HealthAsync());
        time.Advance(TimeSpan.FromMinutes(31)); // of two hours, less than a quarter is left
        Assert.Equal(HealthStatus.Degraded, await HealthAsync());
        time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync());
        Assert.True(watch.Left(material.Followed.Single()) < TimeSpan.Zero);
    }

    [Fact]
    public void Hop_Renewed_NewGrantsAreOfTheNewOneAndFormerOnesHold()
    {
        var (certificate, key) = installation.HopSigning("eu-west");
        using var signer = HopSigner.Following(material, certificate, key);
        var sealer = new HopSealer(signer, time);
        var verifier = new HopVerifier(material, time);
        var former = sealer.Seal(Node, Assertion());
        installation.HopSigning("eu-west");
        Touch(certificate, key);

        Look();

        var renewed = sealer.Seal(Node, Assertion());
        Assert.NotEqual(Certificate(former), Certificate(renewed));
        Assert.Equal(Certificate(renewed), Certificate(sealer.Seal("another", Assertion())));
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(renewed.Assertion, renewed.Grant, Node, Router));
        // A receiver that never saw the former grant takes it all the same, until it ends.
        Assert.IsType<HopVerdict.Accepted>(verifier.Verify(former.Assertion, former.Grant, Node, Router));
        time.Advance(TimeSpan.FromMinutes(10));
        Assert.IsType<HopVerdict.Refused>(verifier.Verify(former.Assertion, former.Grant, Node, Router));
    }

    [Theory]
    [InlineData("of another authority", "region/eu-west/service/routing")]
    [InlineData("for servers only", "region/eu-west/service/routing")]
    [InlineData("for hops only", "region/us-east/service/routing")]
    [InlineData("for hops only", "region/eu-west/service/inference")]
    public void Hop_RenewedWrongly_FormerOneSigns(string wrong, string who)
    {
        var (certificate, key) = installation.HopSigning("eu-west");
        using var signer = HopSigner.Following(material, certificate, key);
        var sealer = new HopSealer(signer, time);
        var former = Certificate(sealer.Seal(Node, Assertion()));
        using var leaf = WrongLeaves.Make(installation, wrong, who);
        using var leafKey = leaf.GetECDsaPrivateKey()!;
        Write(certificate, leaf.ExportCertificatePem());
        Write(key, leafKey.ExportPkcs8PrivateKeyPem());

        Look();

        Assert.Equal(former, Certificate(sealer.Seal("another", Assertion())));
        Assert.Equal(1, material.Followed.Single(f => f.Name == "hop").Refused);
    }

    private static byte[] Assertion() => new HopAssertion
    {
        Principal = "tenant/demo", Tenant = "demo", DataClass = "public", AllowedRegions = { "eu-west" },
        DecisionId = "eu-west-00000000000000000000000000000001", Attempt = 1, Hops = 1, Audience = Node,
        Model = "ocr", IssueTime = Timestamp.FromDateTimeOffset(Now),
        ExpireTime = Timestamp.FromDateTimeOffset(Now.AddMinutes(1)),
    }.ToByteArray();

    private static ByteString Certificate(SealedHop hop) =>
        SignedHopGrant.Parser.ParseFrom(Convert.FromBase64String(hop.Grant)).Certificate;

    private Task<HealthStatus> HealthAsync() => watch.CheckHealthAsync(new HealthCheckContext(), default)
        .ContinueWith(t => t.Result.Status, TaskScheduler.Default);

    private void Renew()
    {
        installation.Service("eu-west", "routing");
        Touch(options.CertificateFile, options.KeyFile);
    }

    private void Look()
    {
        time.Advance(options.ReloadInterval);
        watch.Look();
    }

    private (long, long) Counts()
    {
        var tls = material.Followed.Single(f => f.Name == "tls");
        return (tls.Renewed, tls.Refused);
    }

    private static void Write(string file, string text)
    {
        File.WriteAllText(file, text);
        Touch(file);
    }

    // Two writes within one tick of the file system's clock would look like one.
    private static void Touch(params string[] files)
    {
        foreach (var file in files)
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddSeconds(Interlocked.Increment(ref touches)));
    }

    private static int touches;
}
