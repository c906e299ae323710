using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.Testing;

/// <summary>A TLS 1.3 server that shows any certificate, takes any client, and counts what it is sent.</summary>
public sealed class Impostor : IAsyncDisposable
{
    private readonly X509Certificate2 shown;
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task accepting;
    private int connections;
    private long bytes;

    /// <summary>Listens on a free port of loopback.</summary>
    public Impostor(X509Certificate2 shown)
    {
        this.shown = shown;
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>Its address.</summary>
    public string Url => $"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>Connections that were tried.</summary>
    public int Connections => Volatile.Read(ref connections);

    /// <summary>Bytes that clients sent inside TLS.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await accepting;
        listener.Stop();
        stop.Dispose();
        shown.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> serving = [];
        try
        {
            while (true)
                serving.Add(ServeAsync(await listener.AcceptTcpClientAsync(stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        Interlocked.Increment(ref connections);
        using (client)
        {
            await using var tls = new SslStream(client.GetStream());
            try
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                {
                    ServerCertificate = shown,
                    ClientCertificateRequired = true,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                }, stop.Token);
                var buffer = new byte[4096];
                int read;
                while ((read = await tls.ReadAsync(buffer, stop.Token)) > 0)
                    Interlocked.Add(ref bytes, read);
            }
            catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
            {
                // The client went, as it should.
            }
        }
    }
}
