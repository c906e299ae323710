using System.Buffers.Text;
using System.Text.Json;

namespace Lepton.Cli.Login;

/// <summary>
/// What an access token (RFC 9068) says of itself. Nothing here was verified: that is the gateways' part, and a
/// person only wants to see who they are. Each is null when the token does not say it, all are of an opaque one.
/// </summary>
internal sealed record TokenClaims
{
    public string? Subject { get; private init; }

    public string? Tenant { get; private init; }

    public string? Client { get; private init; }

    public string? Session { get; private init; }

    public string? Issuer { get; private init; }

    public static TokenClaims Read(string accessToken)
    {
        string[] parts = accessToken.Split('.');
        if (parts.Length != 3 || !Base64Url.IsValid(parts[1]))
        {
            return new TokenClaims();
        }

        try
        {
            using JsonDocument json = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
            JsonElement root = json.RootElement;
            return root.ValueKind != JsonValueKind.Object ? new TokenClaims() : new TokenClaims
            {
                Subject = Text(root, "sub"),
                Tenant = Text(root, "tenant"),
                Client = Text(root, "client_id"),
                Session = Text(root, "sid"),
                Issuer = Text(root, "iss"),
            };
        }
        catch (JsonException)
        {
            return new TokenClaims();
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? ServerText.Clean(value.GetString() ?? "", 200)
            : null;
}
