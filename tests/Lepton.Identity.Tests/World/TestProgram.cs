using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Tests.World;

/// <summary>A program with a key of its own, which signs assertions right or wrong.</summary>
internal sealed class TestProgram(string id, string tenant) : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string Id => id;

    public object Seed => new { id, tenant, method = "private_key_jwt", jwk = Jwk() };

    public ECDsaSecurityKey Key => new(_key);

    public object Jwk()
    {
        var point = _key.ExportParameters(false).Q;
        return new
        {
            kty = "EC", crv = "P-256", x = Base64UrlEncoder.Encode(point.X), y = Base64UrlEncoder.Encode(point.Y),
        };
    }

    /// <summary>An assertion that is good for a minute, changed as told.</summary>
    public string Assert(TestAuthority authority, Action<SecurityTokenDescriptor>? change = null)
    {
        var now = authority.Time.GetUtcNow().UtcDateTime;
        var assertion = new SecurityTokenDescriptor
        {
            Issuer = id,
            Audience = authority.Issuer,
            Subject = new ClaimsIdentity(
            [
                new Claim("sub", id), new Claim("jti", Guid.NewGuid().ToString("N")),
            ]),
            IssuedAt = now,
            Expires = now.AddMinutes(1),
            SigningCredentials = new SigningCredentials(Key, SecurityAlgorithms.EcdsaSha256),
        };
        change?.Invoke(assertion);
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(assertion);
    }

    /// <summary>The parameters by which it authenticates.</summary>
    public (string, string)[] Credentials(TestAuthority authority, Action<SecurityTokenDescriptor>? change = null) =>
    [
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", Assert(authority, change)),
    ];

    public void Dispose() => _key.Dispose();
}
