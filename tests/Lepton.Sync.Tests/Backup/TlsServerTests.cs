using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lepton.Sync.Backup;
using Lepton.Sync.Backup.Wire;
using Npgsql;

namespace Lepton.Sync.Tests.Backup;

/// <summary>
/// A server over TCP with TLS 1.3 (C1): a terminator before the real one, whose OpenSSL is too old to serve a port.
/// </summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class TlsServerTests(BackupServer server)
{
    [Fact]
    public async Task Open_OverTls_LogsInAndChecksWhoAnswers()
    {
        var folder = Directory.CreateTempSubdirectory("lepton-backup-").FullName;
        using var certificate = Certificate("localhost");
        var file = Path.Combine(folder, "root.crt");
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
        NpgsqlConnectionStringBuilder own = new(await server.CreateDatabaseAsync());
        using Terminator terminator = new(certificate, Path.Combine(own.Host!, ".s.PGSQL.5432"));
        NpgsqlConnectionStringBuilder address = new(own.ConnectionString)
        {
            Host = "localhost", Port = terminator.Port, SslMode = SslMode.VerifyFull, RootCertificate = file,
        };

        await using (var link = await OpenAsync(address))
            Assert.True((await ServerIdentity.ReadAsync(link, CancellationToken.None)).Timeline > 0);

        address.RootCertificate = null; // the system's authorities did not sign it
        var fault = await Assert.ThrowsAsync<BackupException>(() => OpenAsync(address));
        Assert.Equal(BackupFault.ServerUnavailable, fault.Fault);
        address.SslMode = SslMode.Require; // whoever answers
        Assert.Equal(
            BackupFault.Invalid, (await Assert.ThrowsAsync<BackupException>(() => OpenAsync(address))).Fault);
        (address.SslMode, address.RootCertificate) = (SslMode.VerifyCA, file);
        address.Password = "wrong";
        fault = await Assert.ThrowsAsync<BackupException>(() => OpenAsync(address));
        Assert.Equal(("28P01", BackupFault.ServerRefused), (fault.SqlState, fault.Fault));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Open_WhereTlsIsRefused_SendsNothingInClear()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        NpgsqlConnectionStringBuilder address = new()
        {
            Host = "localhost", Port = ((IPEndPoint)listener.LocalEndpoint).Port, Username = "sync",
            Password = "secret", Timeout = 60, SslMode = SslMode.VerifyFull,
        };
        var opening = OpenAsync(address);
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        await stream.ReadExactlyAsync(new byte[8]);
        await stream.WriteAsync("N"u8.ToArray());

        var fault = await Assert.ThrowsAsync<BackupException>(() => opening);

        Assert.Equal(BackupFault.ServerRefused, fault.Fault);
        Assert.Equal(0, await stream.ReadAsync(new byte[1])); // it only hung up
    }

    private static Task<ReplicationLink> OpenAsync(NpgsqlConnectionStringBuilder address) => ReplicationLink.OpenAsync(
        address.ConnectionString, TestBackup.Patience, TimeProvider.System, CancellationToken.None);

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>Answers SSLRequest, then hands on what it decrypts.</summary>
    private sealed class Terminator : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly X509Certificate2 _certificate;
        private readonly string _socket;

        public Terminator(X509Certificate2 certificate, string socket)
        {
            (_certificate, _socket) = (certificate, socket);
            _listener.Start();
            _ = ServeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                    _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The end.
            }
        }

        private async Task ServeAsync(TcpClient client)
        {
            try
            {
                using (client)
                {
                    var stream = client.GetStream();
                    await stream.ReadExactlyAsync(new byte[8]);
                    await stream.WriteAsync("S"u8.ToArray());
                    await using SslStream tls = new(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                    {
                        ServerCertificate = _certificate, EnabledSslProtocols = SslProtocols.Tls13,
                    });
                    using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket));
                    await using NetworkStream inner = new(socket);
                    await Task.WhenAny(tls.CopyToAsync(inner), inner.CopyToAsync(tls));
                }
            }
            catch (Exception e) when (e is IOException or AuthenticationException)
            {
                // The client hung up: what it saw is asserted there.
            }
        }
    }
}
