using Lepton.Testing.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>A bad value stops a service's start, and is told by its key and what the key takes.</summary>
public sealed class OptionsTests
{
    private static readonly Dictionary<string, string?> Good = new()
    {
        ["Lepton:Region"] = "eu-west",
        ["Lepton:AccessFile"] = "access.jws",
        ["Lepton:Tls:CertificateFile"] = "a.crt",
        ["Lepton:Tls:KeyFile"] = "a.key",
        ["Lepton:Tls:AuthorityFile"] = "ca.crt",
        ["Lepton:Tokens:Issuers:0:Name"] = "first",
        ["Lepton:Tokens:Issuers:0:Issuer"] = "https://issuer.example",
    };

    public static TheoryData<string, string, string> Bad
    {
        get
        {
            var rows = new TheoryData<string, string, string>
            {
                { "Lepton:Region", "", "takes 2 to 31 of a-z" },
                { "Lepton:Region", "EU", "takes 2 to 31 of a-z" },
                { "Lepton:Zone", "", "takes 1 to 31 of a-z" },
                { "Lepton:Zone", "Zone A", "takes 1 to 31 of a-z" },
                { "Lepton:AccessFile", "", "takes the signed file of roles and tenants" },
                { "Lepton:Tls:CertificateFile", "", "takes the path of this process's certificate (PEM)" },
                { "Lepton:Tls:KeyFile", "", "takes the path of the certificate's private key (PEM)" },
                { "Lepton:Tls:AuthorityFile", "", "takes the path of the authority's certificate (PEM)" },
                { "Lepton:Tls:ReloadInterval", "02:00:00", "takes 00:00:01 to 01:00:00" },
                { "Lepton:Tls:ExpiryWarningShare", "0.6", "takes 0.05 to 0.5" },
                { "Lepton:Tokens:CacheMax", "1", "takes 16 to 1000000" },
                { "Lepton:Tokens:Issuers:0:Name", "A B", "takes 1 to 31 of a-z" },
                { "Lepton:Tokens:Issuers:0:Issuer", "http://plain.example", "takes the https URL" },
                { "Lepton:Tokens:Issuers:0:MetadataUrl", "http://plain.example", "takes an https URL" },
                { "Lepton:Tokens:Issuers:0:RevocationsUrl", "list", "takes an https URL" },
                { "Lepton:Tokens:Issuers:0:Audience", "", "takes 1 to 255 characters" },
                { "Lepton:Tokens:Issuers:0:TokenType", "", "takes a type" },
                { "Lepton:Tokens:Issuers:0:TenantClaim", "", "takes a claim's name" },
                { "Lepton:Tokens:Issuers:0:Algorithms:0", "HS256", "Issuers:0:Algorithms takes ES256" },
                { "Lepton:Tokens:Issuers:0:AuthorityFile", "/no/such/file", "takes a PEM file" },
                { "Lepton:Tokens:Issuers:1:Name", "first", "two are named first" },
                { "Lepton:Tokens:Issuers:1:Issuer", "https://issuer.example", "two have the issuer" },
                { "Lepton:Tokens:Issuers:16:Name", "late", "Lepton:Tokens:Issuers takes at most 16 entries" },
            };
            foreach (var (key, value, says) in OptionRows.Of(typeof(ServiceOptions), ServiceOptions.Section)
                .Concat(OptionRows.Of(typeof(TlsOptions), TlsOptions.Section))
                .Concat(OptionRows.Of(typeof(TokenOptions), TokenOptions.Section)))
                rows.Add(key, value, says);
            return rows;
        }
    }

    [Fact]
    public void Start_GoodValues_GoesOn() => Assert.Null(FaultOf(Good));

    [Theory]
    [MemberData(nameof(Bad))]
    public void Start_BadValue_NamesKeyAndWhatItTakes(string key, string value, string says)
    {
        var settings = new Dictionary<string, string?>(Good);
        if (key.Contains(":16:", StringComparison.Ordinal)) // lists have no gaps
            for (var i = 1; i < 16; i++)
                settings[$"Lepton:Tokens:Issuers:{i}:Name"] = $"issuer-{i}";
        settings[key] = value;
        var fault = FaultOf(settings);
        Assert.NotNull(fault);
        Assert.Contains(says.StartsWith("takes", StringComparison.Ordinal) ? $"{key} {says}" : says, fault,
            StringComparison.Ordinal);
    }

    private static string? FaultOf(IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddServiceDefaults("probe");
        using var services = builder.Services.BuildServiceProvider();
        return OptionRows.FaultOf(services);
    }
}
