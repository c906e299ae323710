using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lepton.Setup.Pki;

namespace Lepton.Eng.Tests.Pki;

public sealed class CertificateAuthorityTests : IDisposable
{
    private const string ServerUsage = "1.3.6.1.5.5.7.3.1";
    private const string ClientUsage = "1.3.6.1.5.5.7.3.2";
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Issue_Authority_SignsLeavesAndNothingElse()
    {
        Issue();
        using var authority = Load("ca");

        var constraints = authority.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(constraints.CertificateAuthority);
        Assert.True(constraints is { HasPathLengthConstraint: true, PathLengthConstraint: 0 });
        Assert.Equal(X509KeyUsageFlags.KeyCertSign,
            authority.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal(2036, authority.NotAfter.ToUniversalTime().Year);
    }

    [Theory]
    [InlineData("services/eu-west/routing/tls", "spiffe://lepton.local/region/eu-west/service/routing",
        true, new[] { ServerUsage, ClientUsage })]
    [InlineData("services/eu-west/inference/tls", "spiffe://lepton.local/region/eu-west/service/inference",
        true, new[] { ServerUsage, ClientUsage })]
    [InlineData("services/us-east/routing/hop", "spiffe://lepton.local/region/us-east/service/routing",
        false, new[] { LeafCertificate.HopAssertionUsage })]
    [InlineData("services/us-east/compliance/roles", "spiffe://lepton.local/region/us-east/service/compliance",
        false, new[] { LeafCertificate.RolesUsage })]
    [InlineData("clients/demo/tls", "spiffe://lepton.local/tenant/demo", false, new[] { ClientUsage })]
    public void Issue_Leaf_SaysWhoItIsAndWhatFor(string file, string uri, bool listens, string[] usages)
    {
        Issue();
        using var leaf = Load(file);

        Assert.Equal(uri, Uri(leaf));
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.Equal(listens ? ["localhost"] : [], names.EnumerateDnsNames());
        Assert.Equal(listens ? ["127.0.0.1", "::1"] : [],
            names.EnumerateIPAddresses().Select(address => address.ToString()));
        var stated = leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single().EnhancedKeyUsages;
        Assert.Equal(usages, stated.Cast<Oid>().Select(oid => oid.Value));
        Assert.Equal(X509KeyUsageFlags.DigitalSignature,
            leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.Equal(256, leaf.GetECDsaPublicKey()!.KeySize);
        Assert.Equal(LeafCertificate.Lifetime, leaf.NotAfter.ToUniversalTime() - time.GetUtcNow());
        Assert.True(IsSigned(leaf));
    }

    [Fact]
    public void Issue_KeysAndFolders_AreTheOwnersOnly()
    {
        Issue();

        var keys = Directory.EnumerateFiles(directory["pki"], "*.key", SearchOption.AllDirectories).ToList();
        Assert.Equal(19, keys.Count); // authority, access file's signer, 2 regions of 8, tenant
        Assert.All(keys, key => Assert.Equal(OwnerFile, File.GetUnixFileMode(key)));
        Assert.All(Directory.EnumerateDirectories(directory["pki"], "*", SearchOption.AllDirectories)
            .Append(directory["pki"]),
            folder => Assert.Equal(OwnerFile | UnixFileMode.UserExecute, File.GetUnixFileMode(folder)));
    }

    [Fact]
    public void Issue_Again_MakesNothing()
    {
        Assert.Equal(18, Issue());
        Assert.Equal(0, Issue());
    }

    [Fact]
    public void Issue_PastHalfALife_RenewsLeavesUnderTheSameAuthority()
    {
        Issue();
        var authority = File.ReadAllText(directory["pki/ca.crt"]);
        time.Advance(LeafCertificate.Lifetime / 2 - TimeSpan.FromMinutes(1));
        Assert.Equal(0, Issue());

        time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(18, Issue());
        Assert.Equal(authority, File.ReadAllText(directory["pki/ca.crt"]));
    }

    [Fact]
    public void Renew_PastHalfALife_RenewsEveryLeafThatWasIssuedAndNoOther()
    {
        Issue();
        Assert.Equal(0, PkiCommand.Renew(directory["pki"], time));
        var files = Files();
        var former = Load("services/eu-west/routing/hop").SerialNumber;

        time.Advance(LeafCertificate.Lifetime / 2 + TimeSpan.FromMinutes(1));

        Assert.Equal(18, PkiCommand.Renew(directory["pki"], time));
        Assert.Equal(files, Files());
        Assert.NotEqual(former, Load("services/eu-west/routing/hop").SerialNumber);
    }

    [Fact]
    public void Renew_NothingIssued_MakesNoLeaf()
    {
        Assert.Equal(0, PkiCommand.Renew(directory["pki"], time));
        Assert.Equal(["ca.crt", "ca.key"], Files().Select(Path.GetFileName));
    }

    [Fact]
    public void Issue_NewAuthority_ReplacesEveryLeaf()
    {
        Issue();
        File.Delete(directory["pki/ca.key"]);

        Assert.Equal(18, Issue());
        using var leaf = Load("clients/demo/tls");
        Assert.True(IsSigned(leaf));
    }

    [Fact]
    public void Issue_KeyOfAnotherLeaf_MakesThePairAgain()
    {
        Issue();
        File.Copy(directory["pki/services/us-east/routing/tls.key"], directory["pki/services/eu-west/routing/tls.key"],
            overwrite: true);

        Assert.Equal(1, Issue());
    }

    [Fact]
    public void Issue_CertificateOfAnotherRegion_IsNotKept()
    {
        Issue();
        foreach (var file in (string[])["tls.crt", "tls.key"])
            File.Copy(directory[$"pki/services/us-east/routing/{file}"],
                directory[$"pki/services/eu-west/routing/{file}"], overwrite: true);

        Assert.Equal(1, Issue());
        using var leaf = Load("services/eu-west/routing/tls");
        Assert.Equal("spiffe://lepton.local/region/eu-west/service/routing", Uri(leaf));
    }

    public void Dispose() => directory.Dispose();

    private string[] Files() => [.. Directory.EnumerateFiles(directory["pki"], "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)];

    private int Issue() => PkiCommand.Issue(directory["pki"], ["us-east", "eu-west"], ["demo"], time);

    private X509Certificate2 Load(string name) =>
        X509Certificate2.CreateFromPemFile(directory[$"pki/{name}.crt"], directory[$"pki/{name}.key"]);

    private bool IsSigned(X509Certificate2 leaf)
    {
        using var authority = Load("ca");
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = time.GetUtcNow().UtcDateTime;
        return chain.Build(leaf);
    }

    private static string Uri(X509Certificate2 leaf)
    {
        // .NET lists DNS names and addresses but not URIs: context tag 6 in GeneralNames (RFC 5280, 4.2.1.6).
        var names = leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        var reader = new AsnReader(names.RawData, AsnEncodingRules.DER).ReadSequence();
        return reader.ReadCharacterString(UniversalTagNumber.IA5String, new Asn1Tag(TagClass.ContextSpecific, 6));
    }
}
