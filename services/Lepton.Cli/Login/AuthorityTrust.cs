using System.Net.Http;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lepton.Cli.Gateway;

namespace Lepton.Cli.Login;

/// <summary>Which server counts as the authority's: TLS 1.3 in any case.</summary>
internal static class AuthorityTrust
{
    /// <summary>A whole answer, discovery's too.</summary>
    private const int answerBytesMax = 256 << 10;

    /// <summary>Each call; a renewal is two of them.</summary>
    private static readonly TimeSpan callTime = TimeSpan.FromSeconds(10);

    /// <param name="authorityFile">The installation's authority: the server must be named as its identity service.
    /// Null: the machine's list of authorities, the name as usual, and its proxy settings.</param>
    public static HttpClient Connect(string? authorityFile)
    {
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false, // secrets go where discovery says and nowhere else
            UseCookies = false,
            UseProxy = authorityFile is null,
            SslOptions = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls13 },
        };
        if (authorityFile is not null)
        {
            ServerCheck check = new(Load(authorityFile), IsIdentityService);
            handler.SslOptions.RemoteCertificateValidationCallback = check.Validate;
        }

        return new HttpClient(handler) { Timeout = callTime, MaxResponseContentBufferSize = answerBytesMax };
    }

    /// <summary>Of whichever region: the authority serves all of them.</summary>
    internal static bool IsIdentityService(string uri) =>
        uri.StartsWith("spiffe://lepton.local/region/", StringComparison.Ordinal)
        && uri.Split('/') is [_, _, _, _, { Length: > 0 }, "service", "identity"];

    private static X509Certificate2 Load(string authorityFile)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(authorityFile);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure(ExitCode.Usage,
                $"The installation's authority {authorityFile} cannot be read: {e.Message}")
            {
                Hints = ["Make it: ./lepton setup. For an authority elsewhere: ./lepton login --system-trust"],
            };
        }
    }
}
