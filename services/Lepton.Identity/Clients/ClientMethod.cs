namespace Lepton.Identity.Clients;

/// <summary>How a client authenticates, by the names of OAuth's registry.</summary>
internal static class ClientMethod
{
    /// <summary>RFC 7523: it signs an assertion with its own key.</summary>
    public const string PrivateKeyJwt = "private_key_jwt";

    /// <summary>RFC 8705, 2.1: its certificate's URI SAN.</summary>
    public const string TlsClientAuth = "tls_client_auth";

    /// <summary>A public client, which cannot keep a secret: people log in with it.</summary>
    public const string None = "none";
}
