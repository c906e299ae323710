using Lepton.Identity.Clients;
using Lepton.Identity.Requests;
using Lepton.Identity.Tokens;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Devices;

/// <summary>POST /device_authorization (RFC 8628, 3.1).</summary>
internal sealed class DeviceAuthorization(
    ClientAuthenticator clients, DeviceGrants devices, IOptions<IdentityOptions> options)
{
    public async Task<OAuthAnswer> HandleAsync(OAuthRequest request, CancellationToken cancellationToken)
    {
        var (client, refusal) = await clients.AuthenticateAsync(request, cancellationToken);
        if (client is null)
            return refusal ?? OAuthRefusal.InvalidClient("");
        if (!client.IsPublic)
            return OAuthRefusal.Of("unauthorized_client", "People log in by a public client.");
        if (TokenEndpoint.RefuseScope(request) is { } scope)
            return scope;
        var (deviceCode, userCode) = await devices.CreateAsync(client.Row.Id, cancellationToken);
        var page = options.Value.Issuer + "/device";
        return new OAuthAnswer(new Dictionary<string, object?>
        {
            ["device_code"] = deviceCode,
            ["user_code"] = UserCode.Show(userCode),
            ["verification_uri"] = page,
            ["verification_uri_complete"] = $"{page}?user_code={UserCode.Show(userCode)}",
            ["expires_in"] = (long)options.Value.DeviceCodeTime.TotalSeconds,
            ["interval"] = options.Value.DeviceIntervalSeconds,
        });
    }
}
