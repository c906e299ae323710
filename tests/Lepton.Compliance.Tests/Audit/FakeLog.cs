using System.Collections.Concurrent;
using Grpc.Core;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Reason = Lepton.Compliance.V1.ErrorReason;

namespace Lepton.Compliance.Tests.Audit;

/// <summary>The audit log as its contract says, over real mutual TLS, with faults at will, in memory.</summary>
internal sealed class FakeLog : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeLog(WebApplication app) => _app = app;

    public string Address => _app.Urls.Single();

    public Service Calls => _app.Services.GetRequiredService<Service>();

    public static async Task<FakeLog> StartAsync(TestInstallation installation, string urls = "https://127.0.0.1:0")
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "compliance"));
        builder.Configuration["urls"] = urls;
        builder.AddServiceDefaults("compliance");
        builder.Services.AddSingleton<Service>();
        WebApplication app = builder.Build();
        app.MapServiceDefaults(new Dictionary<string, AccessRule>(), AuditService.Descriptor);
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new FakeLog(app);
    }

    public async ValueTask DisposeAsync()
    {
        Calls.End();
        await _app.DisposeAsync();
    }

    internal sealed class Service : AuditService.AuditServiceBase
    {
        private readonly ConcurrentDictionary<string, AuditEvent> _byId = new();
        private readonly CancellationTokenSource _end = new();

        /// <summary>Events written, each once.</summary>
        public ICollection<AuditEvent> Events => _byId.Values;

        /// <summary>Events that came again.</summary>
        public int Repeated { get; private set; }

        public int Batches { get; private set; }

        /// <summary>So many batches are written and not answered.</summary>
        public int AnswersToLose { get; set; }

        /// <summary>Nothing is taken.</summary>
        public bool Down { get; set; }

        /// <summary>Nothing is answered, and the stream is held.</summary>
        public bool Silent { get; set; }

        /// <summary>An action that is refused for good.</summary>
        public string Refused { get; set; } = "";

        public void End() => _end.Cancel();

        public override async Task Append(IAsyncStreamReader<AppendRequest> requestStream,
            IServerStreamWriter<AppendResponse> responseStream, ServerCallContext context)
        {
            using CancellationTokenSource end =
                CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, _end.Token);
            while (await requestStream.MoveNext(end.Token))
            {
                AppendRequest batch = requestStream.Current;
                Batches++;
                if (Down)
                    throw RpcErrors.Create(StatusCode.Unavailable, Reason.LogUnavailable, "The database is down.");
                if (Silent)
                    await Task.Delay(Timeout.Infinite, end.Token);
                if (batch.Events.Any(e => e.Action == Refused))
                    throw RpcErrors.FieldInvalid("events.action", "takes another one");
                foreach (AuditEvent e in batch.Events)
                    if (!_byId.TryAdd(e.Id, e))
                        Repeated++;
                if (AnswersToLose-- > 0)
                    throw RpcErrors.Create(StatusCode.Unavailable, Reason.LogUnavailable, "Lost on the way.");
                await responseStream.WriteAsync(new AppendResponse { Batch = batch.Batch, Log = "eu-west/a" });
            }
        }
    }
}
