using Lepton.Identity.Tests.World;
using Lepton.Testing.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Tests;

/// <summary>C1: a wrong option stops the start and is named.</summary>
public sealed class OptionsTests
{
    public static TheoryData<string, string, string> Outside
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var (key, value, says) in OptionRows.Of(typeof(IdentityOptions), IdentityOptions.Section))
                rows.Add(key, value, says);
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Outside))]
    public void Start_OutsideOfTheBounds_NamesItAndThem(string key, string value, string says)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { [key] = value }).Build());
        services.AddIdentity();
        using var provider = services.BuildServiceProvider();
        Assert.Contains(says, OptionRows.FaultOf(provider), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Identity:Issuer", "http://plain.example")]
    [InlineData("Identity:Issuer", "https://a.example/path")]
    [InlineData("Identity:Issuer", "")]
    [InlineData("Identity:Database", "")]
    [InlineData("Identity:MasterKeyFile", "")]
    [InlineData("Identity:AccessTokenTime", "00:20:00")]
    [InlineData("Identity:KeyLead", "8.00:00:00")]
    [InlineData("Identity:Password:MemoryKiB", "1024")]
    [InlineData("Identity:LogIn:BlockMax", "00:00:10")]
    [InlineData("Identity:Rate:AddressPerMinute", "0")]
    public async Task Start_WrongOption_NamesIt(string key, string value)
    {
        // Options are checked before anything is connected to.
        using var site = new TestSite("Host=127.0.0.1;Port=1");
        await File.WriteAllTextAsync(site.MasterKeyFile, "");
        site.Options[key] = value;
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => TestAuthority.StartAsync(site, isSecond: true));
        Assert.Contains(key + " takes", refused.Message);
    }
}
