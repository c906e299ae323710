using Lepton.Identity.Clients;
using Lepton.Identity.Keys;
using Lepton.Identity.Requests;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Tokens;

/// <summary>What this authority is and by which keys it signs: for everyone.</summary>
internal sealed class Discovery(IOptions<IdentityOptions> options, SigningKeyRing ring)
{
    private static readonly string[] Confidential = [ClientMethod.PrivateKeyJwt, ClientMethod.TlsClientAuth];
    private static readonly string[] Methods = [.. Confidential, ClientMethod.None];
    private static readonly string[] Algorithms = ["ES256"];
    private static readonly string[] Subjects = ["public"];
    private static readonly string[] Grants =
        [TokenEndpoint.ClientCredentials, TokenEndpoint.RefreshToken, TokenEndpoint.DeviceCode];

    /// <summary>OpenID Connect Discovery 1.0 and RFC 8414: one document for both.</summary>
    public Task<OAuthAnswer> DescribeAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var issuer = options.Value.Issuer;
        return Task.FromResult(new OAuthAnswer(new Dictionary<string, object?>
        {
            ["issuer"] = issuer,
            ["token_endpoint"] = issuer + "/token",
            ["device_authorization_endpoint"] = issuer + "/device_authorization",
            ["jwks_uri"] = issuer + "/jwks",
            ["revocation_endpoint"] = issuer + "/revoke",
            ["introspection_endpoint"] = issuer + "/introspect",
            ["response_types_supported"] = Array.Empty<string>(),
            ["grant_types_supported"] = Grants,
            ["token_endpoint_auth_methods_supported"] = Methods,
            ["token_endpoint_auth_signing_alg_values_supported"] = Algorithms,
            ["revocation_endpoint_auth_methods_supported"] = Methods,
            ["revocation_endpoint_auth_signing_alg_values_supported"] = Algorithms,
            ["introspection_endpoint_auth_methods_supported"] = Confidential,
            ["introspection_endpoint_auth_signing_alg_values_supported"] = Algorithms,
            ["tls_client_certificate_bound_access_tokens"] = true,
            // Required by OpenID Connect, of which there is discovery alone here: no ID tokens are issued.
            ["subject_types_supported"] = Subjects,
            ["id_token_signing_alg_values_supported"] = Algorithms,
        }));
    }

    /// <summary>RFC 7517.</summary>
    public async Task<OAuthAnswer> KeysAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var keys = await ring.PublishedAsync(cancellationToken);
        return new OAuthAnswer(new Dictionary<string, object?> { ["keys"] = keys.Select(k => Public(k.Key)) });
    }

    private static Dictionary<string, string> Public(ECDsaSecurityKey key)
    {
        var point = key.ECDsa.ExportParameters(false).Q;
        return new Dictionary<string, string>
        {
            ["kty"] = "EC", ["crv"] = "P-256", ["use"] = "sig", ["alg"] = "ES256", ["kid"] = key.KeyId,
            ["x"] = Base64UrlEncoder.Encode(point.X), ["y"] = Base64UrlEncoder.Encode(point.Y),
        };
    }
}
