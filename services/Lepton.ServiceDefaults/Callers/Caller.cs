using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.ServiceDefaults;

/// <summary>What a caller is.</summary>
public enum CallerKind
{
    /// <summary>A Lepton service of some region.</summary>
    Service,

    /// <summary>A tenant's client, or a person who acts for it.</summary>
    Tenant,
}

/// <summary>
/// Who is at the other end, from the one URI SAN of a certificate (SPIFFE form): either
/// <c>spiffe://lepton.local/region/REGION/service/SERVICE</c> or <c>spiffe://lepton.local/tenant/TENANT</c>.
/// </summary>
/// <param name="Kind">Service or tenant.</param>
/// <param name="Region">The service's region; empty for a tenant.</param>
/// <param name="Service">The service's name, e.g. <c>routing</c>; empty for a tenant.</param>
/// <param name="Tenant">The tenant; empty for a service.</param>
public sealed record Caller(CallerKind Kind, string Region, string Service, string Tenant)
{
    private const string TrustDomain = "spiffe://lepton.local/";
    private const string SubjectAlternativeName = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>
    /// The caller as a principal: <c>service/routing@eu-west</c>, <c>tenant/demo</c>, and of a token
    /// <c>ISSUER/SUBJECT</c>.
    /// </summary>
    public string Principal { get; private init; } =
        Kind == CallerKind.Tenant ? $"tenant/{Tenant}" : $"service/{Service}@{Region}";

    /// <summary>Is it this service, of this region when one is given?</summary>
    public bool IsService(string service, string? region = null) =>
        Kind == CallerKind.Service && Service == service && (region is null || Region == region);

    /// <summary>The caller that a certificate names; null when it names none or more than one.</summary>
    public static Caller? FromCertificate(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var extension = certificate.Extensions[SubjectAlternativeName];
        if (extension is null)
            return null;
        string? uri = null;
        var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            if (!names.PeekTag().HasSameClassAndValue(UriTag))
            {
                names.ReadEncodedValue();
                continue;
            }
            if (uri is not null)
                return null;
            uri = names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag);
        }
        return uri is null ? null : Parse(uri);
    }

    /// <summary>The caller of a URI SAN; null when it is not of the two forms.</summary>
    public static Caller? Parse(string uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        if (!uri.StartsWith(TrustDomain, StringComparison.Ordinal))
            return null;
        return uri[TrustDomain.Length..].Split('/') switch
        {
            ["tenant", var tenant] when IsName(tenant) => new Caller(CallerKind.Tenant, "", "", tenant),
            ["region", var region, "service", var service] when IsName(region) && IsName(service) =>
                new Caller(CallerKind.Service, region, service, ""),
            _ => null,
        };
    }

    /// <summary>The caller that an access token names.</summary>
    internal static Caller OfToken(string issuer, string subject, string tenant) =>
        new(CallerKind.Tenant, "", "", tenant) { Principal = $"{issuer}/{subject}" };

    internal static bool IsName(string s) =>
        s.Length is > 0 and <= 63 && s.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
}
