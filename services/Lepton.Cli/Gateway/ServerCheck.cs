using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.Cli.Gateway;

/// <summary>
/// Accepts a server whose certificate this installation's authority issued and whose one URI name is an expected
/// one. The machine's own list of authorities plays no part.
/// </summary>
internal sealed class ServerCheck(X509Certificate2 authority, Predicate<string> isExpected)
{
    private const string SubjectAlternativeName = "2.5.29.17";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    public bool Validate(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }

        using X509Chain own = new();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.Add(authority);
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // leaves live seven days; there is no list
        own.ChainPolicy.DisableCertificateDownloads = true;
        return own.Build(leaf) && UriNames(leaf) is [string uri] && isExpected(uri);
    }

    internal static IReadOnlyList<string> UriNames(X509Certificate2 certificate)
    {
        Asn1Tag uriTag = new(TagClass.ContextSpecific, 6);
        List<string> names = [];
        foreach (X509Extension extension in certificate.Extensions.Where(e => e.Oid?.Value == SubjectAlternativeName))
        {
            AsnReader list = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            while (list.HasData)
            {
                if (list.PeekTag().HasSameClassAndValue(uriTag))
                {
                    names.Add(list.ReadCharacterString(UniversalTagNumber.IA5String, uriTag));
                }
                else
                {
                    list.ReadEncodedValue();
                }
            }
        }

        return names;
    }
}
