using Microsoft.Extensions.Configuration;

namespace Lepton.ServiceDefaults.Tests;

public sealed class TokenOptionsTests
{
    [Theory]
    [InlineData("Issuers:0:Issuer", "http://plain.example", "Issuers:0:Issuer takes the https URL")]
    [InlineData("Issuers:0:Name", "A B", "Issuers:0:Name takes")]
    [InlineData("Issuers:0:Algorithms:0", "HS256", "Issuers:0:Algorithms takes ES256")]
    [InlineData("Issuers:0:AuthorityFile", "/no/such/file", "Issuers:0:AuthorityFile takes")]
    [InlineData("Issuers:1:Name", "first", "two are named first")]
    [InlineData("CacheMax", "1", "CacheMax takes 16 to 1000000")]
    [InlineData("KeysAgeMax", "00:00:01", "KeysAgeMax takes 5 min to 7 days")]
    public void Validate_WrongOption_NamesItAndWhatItTakes(string key, string value, string message)
    {
        var good = Read([]);
        var wrong = Read(new Dictionary<string, string?> { [key] = value });

        Assert.True(new TokenOptionsValidator().Validate(null, good).Succeeded);
        Assert.Contains(message, new TokenOptionsValidator().Validate(null, wrong).FailureMessage,
            StringComparison.Ordinal);
    }

    private static TokenOptions Read(Dictionary<string, string?> changed)
    {
        Dictionary<string, string?> settings = new()
        {
            ["Issuers:0:Name"] = "first", ["Issuers:0:Issuer"] = "https://issuer.example",
        };
        return new ConfigurationBuilder().AddInMemoryCollection(settings).AddInMemoryCollection(changed).Build()
            .Get<TokenOptions>() ?? throw new InvalidOperationException("nothing was read");
    }
}
