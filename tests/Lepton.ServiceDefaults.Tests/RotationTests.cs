using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests;

/// <summary>
/// C1: leaves are renewed under running services, one as client and one as server, while calls go on. The files are
/// looked at every second here.
/// </summary>
public sealed class RotationTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TestInstallation installation = new();
    private WebApplication? client;
    private WebApplication? server;

    private WebApplication Client => client ?? throw new InvalidOperationException("not started");

    private WebApplication Server => server ?? throw new InvalidOperationException("not started");

    private Uri Address => new(Server.Urls.Single());

    public async Task InitializeAsync()
    {
        client = await StartAsync("routing");
        server = await StartAsync("inference");
    }

    public async Task DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        installation.Dispose();
    }

    [Fact]
    public async Task Calls_LeavesOfBothSidesRenewed_NoneFailsAndNewConnectionsUseTheNewOnes()
    {
        var (formerServer, formerClient) = (await ShownByServerAsync(), (await AskOnceAsync()).Client);
        using var end = new CancellationTokenSource();
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var calls = CallAsync(end.Token, connected);
        await await Task.WhenAny(connected.Task, calls); // with the former leaf, however slow the machine is
        installation.Service("eu-west", "inference");
        installation.Service("eu-west", "routing");

        await UntilAsync(async () => await ShownByServerAsync() != formerServer, "the server shows its new leaf");
        await UntilAsync(async () => (await AskOnceAsync()).Client != formerClient, "the client shows its new leaf");

        await end.CancelAsync();
        var answers = await calls;
        // One connection all the time, with the leaf it was opened with.
        Assert.Equal(new Answer(answers[0].Connection, formerClient), Assert.Single(answers.Distinct()));
        Assert.True(Tls(Server).Renewed >= 1 && Tls(Client).Renewed >= 1);
    }

    [Fact]
    public async Task Calls_RenewalHalfWritten_GoOnWithTheFormerLeaf()
    {
        var former = await ShownByServerAsync();
        var (certificate, key) = installation.Service("eu-west", "inference");
        var good = await File.ReadAllTextAsync(certificate);
        await File.WriteAllTextAsync(certificate, good[..100]);
        using var end = new CancellationTokenSource();
        var calls = CallAsync(end.Token);

        await UntilAsync(() => Task.FromResult(Tls(Server).Refused == 1), "the refusal is counted");
        Assert.Equal(former, await ShownByServerAsync());
        await File.WriteAllTextAsync(certificate, good);
        await UntilAsync(async () => await ShownByServerAsync() != former, "the server shows its new leaf");

        await end.CancelAsync();
        Assert.Single((await calls).Distinct());
    }

    /// <summary>Calls over one channel without a pause; a failure ends the test.</summary>
    private async Task<List<Answer>> CallAsync(CancellationToken end, TaskCompletionSource? connected = null)
    {
        List<Answer> answers = [];
        using var channel = Client.Services.GetRequiredService<PeerHttp>()
            .CreateChannel(Address, "inference", "eu-west");
        do
        {
            answers.Add(await AskAsync(new RoutingService.RoutingServiceClient(channel)));
            connected?.TrySetResult();
        }
        while (!end.IsCancellationRequested);
        return answers;
    }

    private async Task<Answer> AskOnceAsync()
    {
        using var channel = Client.Services.GetRequiredService<PeerHttp>()
            .CreateChannel(Address, "inference", "eu-west");
        return await AskAsync(new RoutingService.RoutingServiceClient(channel));
    }

    private static async Task<Answer> AskAsync(RoutingService.RoutingServiceClient at)
    {
        var answer = await at.ListNodesAsync(new ListNodesRequest(), deadline: DateTime.UtcNow + Patience);
        var words = answer.NextPageToken.Split(' ');
        return new Answer(words[0], words[1]);
    }

    private async Task<string> ShownByServerAsync()
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, Address.Port);
        await using var tls = new SslStream(tcp.GetStream());
        var (certificate, key) = installation.Tenant("demo");
        using var shown = X509Certificate2.CreateFromPemFile(certificate, key);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificates = [shown],
            RemoteCertificateValidationCallback = (_, _, _, _) => true, // which one is the question here
        });
        return tls.RemoteCertificate?.GetSerialNumberString() ?? throw new InvalidOperationException("no certificate");
    }

    // By the service's own counts: processes have one set of meters, and this one runs many services.
    private static FollowedFiles Tls(WebApplication of) =>
        of.Services.GetRequiredService<TlsMaterial>().Followed.Single();

    private static async Task UntilAsync(Func<Task<bool>> holds, string what)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!await holds())
        {
            Assert.False(limit.IsCancellationRequested, $"waited {Patience.TotalSeconds} s in vain until {what}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task<WebApplication> StartAsync(string service)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", service));
        builder.Configuration["Lepton:Tls:ReloadInterval"] = "00:00:01";
        builder.AddServiceDefaults(service);
        var app = builder.Build();
        app.MapServiceDefaults(ServerFixture.NoOthers, RoutingService.Descriptor);
        app.MapGrpcService<WhoAsks>();
        await app.StartAsync();
        return app;
    }

    private sealed record Answer(string Connection, string Client);

    internal sealed class WhoAsks : RoutingService.RoutingServiceBase
    {
        public override Task<ListNodesResponse> ListNodes(ListNodesRequest request, ServerCallContext context)
        {
            var connection = context.GetHttpContext().Connection;
            return Task.FromResult(new ListNodesResponse
            {
                NextPageToken = $"{connection.Id} {connection.ClientCertificate?.SerialNumber}",
            });
        }
    }
}
