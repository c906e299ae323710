using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Npgsql;

namespace Lepton.Sync.Backup.Wire;

/// <summary>From a connection string to a stream: a unix socket, or TCP with TLS.</summary>
internal static class ServerAddress
{
    // SSLRequest: its length, and a number that no protocol version is.
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

    public static async Task<Stream> ConnectAsync(
        NpgsqlConnectionStringBuilder address, CancellationToken cancellationToken)
    {
        var host = address.Host is { Length: > 0 } named
            ? named
            : throw new BackupException(BackupFault.Invalid, "The database's connection string names no Host.");
        if (host.Contains(','))
            throw new BackupException(
                BackupFault.Invalid, "A backup takes one database server; the connection string's Host names several.");
        return host.StartsWith('/')
            ? await OpenAsync(
                new UnixDomainSocketEndPoint(Path.Combine(host, $".s.PGSQL.{address.Port}")), ProtocolType.Unspecified,
                cancellationToken)
            : address.SslMode is not (SslMode.VerifyCA or SslMode.VerifyFull)
            ? throw new BackupException(
                BackupFault.Invalid, "A backup over TCP takes SSL Mode=VerifyFull (or VerifyCA) in the database's "
                + "connection string, with Root Certificate where the server's authority is your own.")
            : await SecureAsync(
                await OpenAsync(new DnsEndPoint(host, address.Port), ProtocolType.Tcp, cancellationToken), address,
                host, cancellationToken);
    }

    private static async Task<Stream> OpenAsync(
        EndPoint endPoint, ProtocolType protocol, CancellationToken cancellationToken)
    {
        var socket = protocol == ProtocolType.Tcp
            ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
            : new Socket(AddressFamily.Unix, SocketType.Stream, protocol);
        try
        {
            await socket.ConnectAsync(endPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // A whole database goes over it: over TCP only encrypted, and only to who the server is (C1).
    private static async Task<Stream> SecureAsync(
        Stream stream, NpgsqlConnectionStringBuilder address, string host, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(SslRequest, cancellationToken);
            var answer = new byte[1];
            await stream.ReadExactlyAsync(answer, cancellationToken);
            if (answer[0] != (byte)'S')
                throw new BackupException(
                    BackupFault.ServerRefused,
                    $"The database server {host} offers no TLS; a backup needs it over TCP.");
            var roots = address.RootCertificate is { Length: > 0 } file
                ? X509CertificateLoader.LoadCertificateFromFile(file)
                : null;
            var tls = new SslStream(stream, leaveInnerStreamOpen: false);
            await tls.AuthenticateAsClientAsync(Options(address, host, roots), cancellationToken);
            return tls;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static SslClientAuthenticationOptions Options(
        NpgsqlConnectionStringBuilder address, string host, X509Certificate2? root)
    {
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = host,
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (root is not null)
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { root },
            };
        if (address.SslMode is SslMode.VerifyCA)
            options.RemoteCertificateValidationCallback = (_, _, _, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
        return options;
    }
}
