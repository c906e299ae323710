using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>What the middleware does where no server gets it to on purpose.</summary>
public sealed class CallerMiddlewareTests
{
    /// <summary>Kestrel disposes a connection's certificate while requests of it still wait for their turn.</summary>
    [Fact]
    public async Task InvokeAsync_ConnectionHasEnded_ServesNothingAndThrowsNothing()
    {
        var served = false;
        var connection = new EndedConnection();
        var context = new DefaultHttpContext();
        context.Features.Set<ITlsConnectionFeature>(connection);
        context.Features.Set<IHttpRequestLifetimeFeature>(connection);
        var middleware = new CallerMiddleware(ServeAsync, new Callers(null!), null!, null!, null!, []);

        await middleware.InvokeAsync(context);

        Assert.False(served);
        Assert.True(connection.RequestAborted.IsCancellationRequested);

        Task ServeAsync(HttpContext http)
        {
            served = true;
            return Task.CompletedTask;
        }
    }

    private sealed class EndedConnection : ITlsConnectionFeature, IHttpRequestLifetimeFeature
    {
        public X509Certificate2? ClientCertificate
        {
            get => throw new ObjectDisposedException("SslStream");
            set => throw new NotSupportedException();
        }

        public CancellationToken RequestAborted { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            throw new ObjectDisposedException("SslStream");

        public void Abort() => RequestAborted = new CancellationToken(canceled: true);
    }
}
