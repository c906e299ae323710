using System.Security.Cryptography;
using Lepton.Identity.Keys;
using Lepton.Identity.Storage;
using Lepton.Identity.Tests.World;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: signing keys rotate on a schedule that restarts and instances share, and are sealed at rest.</summary>
[Collection("postgres")]
public sealed class KeyTests(IdentityServer server) : AuthorityTests(server)
{
    [Fact]
    public async Task Keys_OverTime_ArePublishedBeforeUseAndUntilTheirLastTokenIsOver()
    {
        var first = Assert.Single(await PublishedAsync());
        Assert.Equal(first, await SigningAsync());

        Site.Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(31));
        await RefreshAsync();
        Assert.Equal([first], await PublishedAsync());

        Site.Time.Advance(TimeSpan.FromMinutes(2)); // within the lead: published, not used
        await RefreshAsync();
        var both = await PublishedAsync();
        Assert.Equal(2, both.Count);
        var second = Assert.Single(both, k => k != first);
        Assert.Equal(first, await SigningAsync());

        Site.Time.Advance(TimeSpan.FromMinutes(29)); // used, the old one still known
        Assert.Equal(second, await SigningAsync());
        Assert.Equal(2, (await PublishedAsync()).Count);

        Site.Time.Advance(TimeSpan.FromMinutes(19)); // tokens live 15 min at most, and clocks differ by 5
        Assert.Contains(first, await PublishedAsync());
        Site.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal([second], await PublishedAsync());
        await Sweeping.SweepAsync(Authority);
        Assert.Equal(second, await Authority.InDatabaseAsync(d => d.SigningKeys.Select(k => k.Id).SingleAsync()));
    }

    [Fact]
    public async Task Keys_AfterALongSilence_OneIsMadeAtOnce()
    {
        var first = await SigningAsync();
        Site.Time.Advance(TimeSpan.FromDays(30));
        var second = await SigningAsync();
        Assert.NotEqual(first, second);
        Assert.Equal([second], await PublishedAsync());
    }

    [Fact]
    public async Task Keys_RestartAndSecondInstance_AreTheSame()
    {
        var token = await Authority.ProgramTokenAsync();
        var first = await SigningAsync();
        await using (var second = await TestAuthority.StartAsync(Site, isSecond: true))
        {
            Assert.Equal(first, await SigningAsync(second));
            // Both look when the lead begins: one key is made, and both have it.
            Site.Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(29));
            await Task.WhenAll(RefreshAsync(), RefreshAsync(second));
            Assert.Equal(await PublishedAsync(), await PublishedAsync(second));
            Assert.Equal(2, (await PublishedAsync()).Count);
        }
        await Authority.DisposeAsync();
        Authority = await TestAuthority.StartAsync(Site);
        Assert.Equal(first, await SigningAsync());
        Assert.Equal(first, new JsonWebToken(token).Kid);
        Assert.Equal(2, (await PublishedAsync()).Count);
    }

    [Fact]
    public async Task Keys_ManyFirstStartsAtOnce_MakeOne()
    {
        var site = await TestSite.CreateAsync(Server);
        var authorities = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ =>
            TestAuthority.StartAsync(site, isSecond: true)));
        foreach (var authority in authorities)
            Assert.Single(await PublishedAsync(authority));
        Assert.Single((await Task.WhenAll(authorities.Select(a => SigningAsync(a)))).Distinct());
        foreach (var authority in authorities)
            await authority.DisposeAsync();
        site.Dispose();
    }

    [Fact]
    public async Task Jwks_Keys_HaveTheirPublicPartsOnly()
    {
        var key = Assert.Single((await Authority.GetAsync("/jwks")).IsOk().Json.GetProperty("keys").EnumerateArray());
        Assert.Equal(["alg", "crv", "kid", "kty", "use", "x", "y"], key.EnumerateObject().Select(m => m.Name).Order());
        Assert.Equal(("EC", "P-256", "ES256", "sig"), (key.GetProperty("kty").GetString(),
            key.GetProperty("crv").GetString(), key.GetProperty("alg").GetString(),
            key.GetProperty("use").GetString()));
    }

    [Fact]
    public async Task Database_SigningKey_OpensUnderItsOwnNameAndMasterKeyOnly()
    {
        var row = await Authority.InDatabaseAsync(d => d.SigningKeys.AsNoTracking().SingleAsync());
        // A PKCS#8 P-256 key holds this object identifier; sealed bytes do not.
        Assert.Equal(-1, row.SealedKey.AsSpan().IndexOf(Convert.FromHexString("2a8648ce3d0301")));
        using var master = Authority.Services.GetRequiredService<MasterKey>();
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(master.Open(row.Id, row.SealedKey), out _);
        Assert.Equal(row.PublicKey, key.ExportSubjectPublicKeyInfo());

        Assert.ThrowsAny<CryptographicException>(() => master.Open(row.Id + "x", row.SealedKey));
        for (var at = 0; at < row.SealedKey.Length; at += 7)
        {
            var changed = row.SealedKey.ToArray();
            changed[at] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => master.Open(row.Id, changed));
        }
    }

    [Fact]
    public async Task Start_WrongMasterKey_IsRefused()
    {
        await File.WriteAllTextAsync(
            Site.MasterKeyFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var refused = await Assert.ThrowsAnyAsync<CryptographicException>(
            () => TestAuthority.StartAsync(Site, isSecond: true));
        Assert.Contains("Identity:MasterKeyFile", refused.Message);
        // Nor does it make keys of its own beside the others.
        Assert.Equal(1, await Authority.InDatabaseAsync(d => d.SigningKeys.CountAsync()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("c2hvcnQ=")]
    [InlineData("not base64 at all, but long enough to be a key, one would think")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task MasterKey_NotAKey_IsRefused(string text)
    {
        var file = Path.Combine(Site.Installation.Directory, "other.key");
        await File.WriteAllTextAsync(file, text);
        var refused = Assert.Throws<InvalidDataException>(() => new MasterKey(
            Options.Create(new IdentityOptions { MasterKeyFile = file }), NullLogger<MasterKey>.Instance));
        Assert.Contains("Identity:MasterKeyFile takes", refused.Message);
    }

    private Task RefreshAsync(TestAuthority? authority = null) =>
        (authority ?? Authority).Services.GetRequiredService<SigningKeyRing>().RefreshAsync(default);

    private async Task<string> SigningAsync(TestAuthority? authority = null) =>
        new JsonWebToken(await (authority ?? Authority).ProgramTokenAsync()).Kid;

    private async Task<List<string>> PublishedAsync(TestAuthority? authority = null) =>
        [.. (await (authority ?? Authority).GetAsync("/jwks")).IsOk().Json.GetProperty("keys").EnumerateArray()
            .Select(k => k.GetProperty("kid").GetString()!)];
}
