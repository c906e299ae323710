using System.ComponentModel.DataAnnotations;

namespace Lepton.ServiceDefaults;

/// <summary>Whose access tokens are taken. Section <c>Lepton:Tokens</c>. Without issuers none is.</summary>
public sealed class TokenOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Lepton:Tokens";

    /// <summary>Authorities, any that speaks OpenID Connect discovery. At most 16.</summary>
    [MaxLength(16)]
    public List<IssuerOptions> Issuers { get; } = [];

    /// <summary>Validated tokens kept until they expire. 16 to 1,000,000, default 10,000.</summary>
    [Range(16, 1_000_000)]
    public int CacheMax { get; set; } = 10_000;

    /// <summary>By how much the issuer's clock may differ. 0 s to 5 min, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often keys are fetched again. 10 s to 1 day, default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00")]
    public TimeSpan KeysInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>For how long keys hold when none can be fetched. 5 min to 7 days, default 1 day.</summary>
    [Range(typeof(TimeSpan), "00:05:00", "7.00:00:00")]
    public TimeSpan KeysAgeMax { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How often revocations are asked for. 100 ms to 1 min, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan RevocationsInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// For how long operators' calls are taken when revocations cannot be read. 1 s to 1 day, default 60 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan RevocationsAgeMax { get; set; } = TimeSpan.FromSeconds(60);
}

/// <summary>One authority.</summary>
public sealed class IssuerOptions
{
    /// <summary>Its short name, in principals: <c>NAME/SUBJECT</c>. 1 to 31 of a-z, 0-9, '-'. Required.</summary>
    public string Name { get; set; } = "";

    /// <summary>The exact <c>iss</c> of its tokens: an https URL. Required.</summary>
    public string Issuer { get; set; } = "";

    /// <summary>Its discovery document. Default: the issuer and <c>/.well-known/openid-configuration</c>.</summary>
    public string MetadataUrl { get; set; } = "";

    /// <summary>The <c>aud</c> that its tokens for this platform have. Default <c>lepton</c>.</summary>
    public string Audience { get; set; } = "lepton";

    /// <summary>The header's <c>typ</c>. Default <c>at+jwt</c> (RFC 9068); many authorities write <c>JWT</c>.</summary>
    public string TokenType { get; set; } = "at+jwt";

    /// <summary>Signature algorithms, asymmetric ones only. Default ES256.</summary>
    public List<string> Algorithms { get; } = [];

    /// <summary>The claim that names the tenant. Default <c>tenant</c>.</summary>
    public string TenantClaim { get; set; } = "tenant";

    /// <summary>
    /// Who vouches for its address: a PEM file of authorities, or <c>system</c>. Default: the installation's authority.
    /// </summary>
    public string AuthorityFile { get; set; } = "";

    /// <summary>Where Lepton.Identity lists revoked tokens: an https URL. Empty: nowhere, the default.</summary>
    public string RevocationsUrl { get; set; } = "";

    /// <summary>Where fetched keys are kept for the next start. Empty: nowhere, the default.</summary>
    public string KeysFile { get; set; } = "";
}

/// <summary>What attributes cannot say.</summary>
internal static class TokenRules
{
    private static readonly string[] Known = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384",
        "PS512"];

    public static IEnumerable<string> FaultsOf(TokenOptions options)
    {
        List<string> faults = [];
        for (var i = 0; i < options.Issuers.Count; i++)
            faults.AddRange(Faults(options.Issuers[i]).Select(f => $"Lepton:Tokens:Issuers:{i}:{f}"));
        foreach (var same in options.Issuers.GroupBy(i => i.Name).Where(g => g.Count() > 1))
            faults.Add($"Lepton:Tokens:Issuers: two are named {same.Key}.");
        foreach (var same in options.Issuers.GroupBy(i => i.Issuer).Where(g => g.Count() > 1))
            faults.Add($"Lepton:Tokens:Issuers: two have the issuer {same.Key}.");
        return faults;
    }

    private static IEnumerable<string> Faults(IssuerOptions issuer)
    {
        if (issuer.Name.Length is 0 or > 31
            || !issuer.Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            yield return "Name takes 1 to 31 of a-z, 0-9 and '-'.";
        if (!IsHttps(issuer.Issuer))
            yield return "Issuer takes the https URL that its tokens have as iss.";
        if (issuer.MetadataUrl.Length > 0 && !IsHttps(issuer.MetadataUrl))
            yield return "MetadataUrl takes an https URL.";
        if (issuer.RevocationsUrl.Length > 0 && !IsHttps(issuer.RevocationsUrl))
            yield return "RevocationsUrl takes an https URL.";
        if (issuer.Audience.Length is 0 or > 255)
            yield return "Audience takes 1 to 255 characters.";
        if (issuer.TokenType.Length is 0 or > 63)
            yield return "TokenType takes a type as in the token's header, e.g. at+jwt or JWT.";
        if (issuer.TenantClaim.Length is 0 or > 255)
            yield return "TenantClaim takes a claim's name.";
        if (issuer.Algorithms.Except(Known).Any())
            yield return $"Algorithms takes {string.Join(", ", Known)}.";
        if (issuer.AuthorityFile is not ("" or "system") && !File.Exists(issuer.AuthorityFile))
            yield return "AuthorityFile takes a PEM file that is there, or 'system'.";
    }

    private static bool IsHttps(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps;
}
