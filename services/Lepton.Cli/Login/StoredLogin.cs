using System.Text.Json.Serialization;

namespace Lepton.Cli.Login;

/// <summary>What <c>lepton login</c> leaves for the other commands: secrets, for their owner only.</summary>
internal sealed record StoredLogin
{
    /// <summary>The authority's <c>iss</c>, an https address.</summary>
    public required string Issuer { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Who certifies the authority's server; null: the machine's own list of authorities.</summary>
    public string? AuthorityFile { get; init; }

    public required DateTimeOffset LoginTime { get; init; }

    public required string AccessToken { get; init; }

    /// <summary>When the access token is over, by this machine's clock.</summary>
    public required DateTimeOffset ExpireTime { get; init; }

    /// <summary>Null when the authority gave none, or takes it no more.</summary>
    public string? RefreshToken { get; init; }

    /// <summary>A record prints its fields by itself; these are not for any log.</summary>
    public override string ToString() => $"a login at {Issuer}";

    /// <summary>The same login with newer tokens. An authority that does not rotate sends no refresh token.</summary>
    public StoredLogin With(TokenSet tokens) => this with
    {
        AccessToken = tokens.AccessToken,
        ExpireTime = tokens.ExpireTime,
        RefreshToken = tokens.RefreshToken ?? RefreshToken,
    };
}

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoredLogin))]
internal sealed partial class LoginJson : JsonSerializerContext;
