using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Lepton.Setup.Pki;

namespace Lepton.Eng.Tests.Pki;

/// <summary>C2: the file of roles and tenants as set-up signs it; services' tests read the same form.</summary>
public sealed class AccessSignerTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly ManualTime time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private string Source => Path.Combine(directory.Path, "access.json");

    private string Signed => Path.Combine(directory.Path, "access.jws");

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Sign_File_IsItsContentUnderTheSignersCertificate()
    {
        File.WriteAllText(Source, "{ \"version\": 1 }");
        Issue();

        Assert.True(AccessSigner.Sign(Source, directory.Path));

        string[] parts = File.ReadAllText(Signed).Split('.');
        using JsonDocument header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
        using X509Certificate2 signer = X509CertificateLoader.LoadCertificate(
            header.RootElement.GetProperty("x5c")[0].GetBytesFromBase64());
        Assert.Equal([LeafCertificate.AccessFileUsage], signer.Extensions.OfType<X509EnhancedKeyUsageExtension>()
            .Single().EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value));
        Assert.Equal("{ \"version\": 1 }", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[1])));
        Assert.True(signer.GetECDsaPublicKey()!.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"),
            Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256));
    }

    [Fact]
    public void Sign_Again_OnlyWhenContentOrCertificateChanged()
    {
        File.WriteAllText(Source, "{}");
        Issue();
        Assert.True(AccessSigner.Sign(Source, directory.Path));
        Assert.False(AccessSigner.Sign(Source, directory.Path));

        File.WriteAllText(Source, "{ }");
        Assert.True(AccessSigner.Sign(Source, directory.Path));

        time.Advance(LeafCertificate.Lifetime);
        Issue(); // renewed: the former signer has expired
        Assert.True(AccessSigner.Sign(Source, directory.Path));
    }

    private void Issue() => PkiCommand.Issue(directory.Path, ["eu-west"], ["demo"], time);
}
