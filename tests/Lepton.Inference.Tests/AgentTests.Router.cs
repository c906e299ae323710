using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Inference.Serving;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Inference.Tests;

public sealed partial class AgentTests
{
    /// <summary>A registry that takes down what it is told.</summary>
    internal sealed class Router : RegistryService.RegistryServiceBase, IAsyncDisposable
    {
        private readonly Channel<NodeReport> _reports = Channel.CreateUnbounded<NodeReport>();
        private WebApplication? _app;

        /// <summary>While set and not done, reports that say DRAINING are taken and not answered.</summary>
        public TaskCompletionSource? HoldAnswers { get; set; }

        /// <summary>So many streams to come are taken and never answered.</summary>
        public int SilentStreams;

        /// <summary>What nodes are told with each answer.</summary>
        public NodeOrder Order { get; set; }

        public string Address => _app?.Urls.Single() ?? "";

        public int Port => new Uri(Address).Port;

        public static async Task<Router> StartAsync(TestInstallation pki, int port = 0)
        {
            var router = new Router();
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            var configuration = pki.Configuration(NodeHost.Region, "routing");
            configuration["urls"] = $"https://127.0.0.1:{port}";
            builder.Configuration.AddInMemoryCollection(configuration);
            builder.AddServiceDefaults("routing");
            builder.Services.AddSingleton(router);
            router._app = builder.Build();
            router._app.MapServiceDefaults(NodeAccess.Rules, RegistryService.Descriptor);
            router._app.MapGrpcService<Router>();
            await router._app.StartAsync();
            return router;
        }

        public override async Task Report(IAsyncStreamReader<ReportRequest> requestStream,
            IServerStreamWriter<ReportResponse> responseStream, ServerCallContext context)
        {
            context.RequireService("inference", NodeHost.Region);
            if (Interlocked.Decrement(ref SilentStreams) >= 0)
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
            {
                _reports.Writer.TryWrite(request.Report);
                if (HoldAnswers is { } hold && request.Report.State == NodeState.Draining)
                    await hold.Task.WaitAsync(context.CancellationToken);
                await responseStream.WriteAsync(new ReportResponse
                {
                    Sequence = request.Report.Sequence,
                    Order = Order,
                    ReceiveTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
                });
            }
        }

        /// <summary>The first report to come for which this holds; fails after 20 s.</summary>
        public async Task<NodeReport> UntilAsync(Func<NodeReport, bool> condition)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            await foreach (var report in _reports.Reader.ReadAllAsync(limit.Token))
            {
                if (condition(report))
                    return report;
            }
            throw new InvalidOperationException("unreachable: the channel never completes");
        }

        public async ValueTask DisposeAsync()
        {
            if (_app is null)
                return;
            // Streams of nodes never end by themselves: a crash, not a farewell.
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
        }
    }
}
