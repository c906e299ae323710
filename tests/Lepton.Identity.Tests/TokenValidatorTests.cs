using System.Text;
using Lepton.Identity.Tests.World;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Tests;

/// <summary>C1: what every service checks tokens by takes this authority's, found by discovery, and no changed
/// ones.</summary>
[Collection("postgres")]
public sealed class TokenValidatorTests(IdentityServer server) : IAsyncLifetime
{
    private TestSite? _site;
    private TestAuthority? _authority;
    private TokenValidator? _validator;

    private TestAuthority Authority => _authority ?? throw new InvalidOperationException("not started");

    private TokenValidator Validator => _validator ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _site = await TestSite.CreateAsync(server);
        _authority = await TestAuthority.StartAsync(_site);
        var (certificate, key) = _site.Installation.Service("eu-west", "routing");
        var tls = new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = _site.Installation.AuthorityFile,
        };
        var options = new TokenOptions { Issuers = { new IssuerOptions { Name = "lepton", Issuer = _site.Issuer } } };
        _validator = new TokenValidator(Options.Create(options),
            new TlsMaterial(Options.Create(tls), _site.Time, NullLogger<TlsMaterial>.Instance), _site.Time,
            NullLogger<TokenValidator>.Instance);
    }

    public async Task DisposeAsync()
    {
        _validator?.Dispose();
        if (_authority is not null)
            await _authority.DisposeAsync();
        _site?.Dispose();
    }

    [Fact]
    public async Task Validate_ProgramsToken_NamesItsCaller()
    {
        var (token, fault) = await Validator.ValidateAsync(await Authority.ProgramTokenAsync(), default);
        Assert.Null(fault);
        Assert.Equal(("lepton/batch", "acme", CallerKind.Tenant),
            (token?.Caller.Principal, token?.Caller.Tenant, token?.Caller.Kind));
        Assert.Null(token?.Thumbprint);
        Assert.Equal("", token?.Session);
        Assert.NotEmpty(token?.Id ?? "");
    }

    [Fact]
    public async Task Validate_PersonsToken_HasItsSession()
    {
        var answer = await new Person(Authority).LogInAsync("grace");
        var (token, _) = await Validator.ValidateAsync(answer["access_token"], default);
        Assert.Equal(("lepton/grace", "globex"), (token?.Caller.Principal, token?.Caller.Tenant));
        Assert.NotEmpty(token?.Session ?? "");
    }

    [Fact]
    public async Task Validate_BoundToken_HasItsThumbprint()
    {
        var client = Authority.Client(Authority.Site.Installation.Tenant("acme"));
        var answer = await TestAuthority.PostAsync(
            client, "/token", ("grant_type", "client_credentials"), ("client_id", "device-7"));
        var (token, _) = await Validator.ValidateAsync(answer.IsOk()["access_token"], default);
        Assert.Equal(43, token?.Thumbprint?.Length);
    }

    [Fact]
    public async Task Validate_AcrossARotation_NoTokenIsLost()
    {
        var before = await Authority.ProgramTokenAsync();
        Assert.NotNull((await Validator.ValidateAsync(before, default)).Token);
        Authority.Time.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(1));
        var last = await Authority.ProgramTokenAsync();
        Authority.Time.Advance(TimeSpan.FromMinutes(2));
        var next = await Authority.ProgramTokenAsync();

        Assert.NotEqual(new JsonWebToken(last).Kid, new JsonWebToken(next).Kid);
        foreach (var token in new[] { last, next })
            Assert.NotNull((await Validator.ValidateAsync(token, default)).Token);
        Authority.Time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(ErrorReason.TokenExpired, (await Validator.ValidateAsync(next, default)).Fault?.Reason);
    }

    [Fact]
    public async Task Validate_ChangedToken_IsRefused()
    {
        var token = await Authority.ProgramTokenAsync();
        var parts = token.Split('.');
        foreach (var (from, to) in new[] { ("\"acme\"", "\"globex\""), ("\"batch\"", "\"admin\"") })
        {
            var payload = Base64UrlEncoder.Decode(parts[1]);
            Assert.Contains(from, payload);
            var changed = payload.Replace(from, to, StringComparison.Ordinal);
            await RefusedAsync($"{parts[0]}.{Base64UrlEncoder.Encode(changed)}.{parts[2]}");
        }
        await RefusedAsync($"{Base64UrlEncoder.Encode("""{"alg":"none","typ":"at+jwt"}""")}.{parts[1]}.");
        var random = new Random(20260731);
        for (var i = 0; i < 200; i++)
        {
            var bytes = Encoding.ASCII.GetBytes(token);
            var at = random.Next(bytes.Length - 1); // the last character has unused bits
            bytes[at] = (byte)(bytes[at] == 'A' ? 'B' : 'A');
            await RefusedAsync(Encoding.ASCII.GetString(bytes));
        }
    }

    private async Task RefusedAsync(string token)
    {
        var (taken, fault) = await Validator.ValidateAsync(token, default);
        Assert.True(taken is null && fault?.Reason == ErrorReason.TokenInvalid, $"{fault?.Reason} for {token}");
    }
}
