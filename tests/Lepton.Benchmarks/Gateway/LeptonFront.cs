using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client.Audit;
using Lepton.Routing;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// The router as its program puts it together, behind listeners that only this bench has: h2c, and TLS 1.3 without a
/// client certificate, since h2load shows none. Callers are named by bearer tokens from a table, and the one node is
/// reached over h2c. No configuration of the shipped services opens any of this: it is done here, in code.
/// </summary>
internal static class LeptonFront
{
    public const string Role = "gateway-front";

    /// <summary>As the router's own process has it: its project's collector, and nothing else.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["DOTNET_gcServer"] = "1",
    };

    public static int Run(string[] args) => RunAsync(new BenchFiles(args[0]), Port(args[1]), Port(args[2]),
        Port(args[3])).GetAwaiter().GetResult();

    private static int Port(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static async Task<int> RunAsync(BenchFiles files, int h2c, int tls, int node)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(files.Router());
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddServiceDefaults("routing");
        builder.AddAudit("routing");
        builder.Services.AddRouter();
        builder.Services.AddSingleton<ICallerSource, BearerCallers>(); // the last one registered is taken
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, h2c, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, tls, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(https =>
                {
                    https.ServerCertificateSelector = null;
                    https.ServerCertificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
                    https.ClientCertificateMode = ClientCertificateMode.NoCertificate;
                });
            });
        });
        await using WebApplication app = builder.Build();
        app.MapRouter();
        using CancellationTokenSource stop = new();
        Task reports = ReportAsync(app.Services.GetRequiredService<NodeRegistry>(), node, stop.Token);
        await app.StartAsync();
        Console.WriteLine("ready");
        await ParentLine.AnswerAsync(() => GC.GetTotalAllocatedBytes());
        await stop.CancelAsync();
        await reports;
        return 0;
    }

    // What a node's own stream says once a second; RegistryService takes https addresses only.
    private static async Task ReportAsync(NodeRegistry registry, int port, CancellationToken stop)
    {
        NodeSession session = new();
        Timestamp started = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow());
        using PeriodicTimer timer = new(TimeSpan.FromSeconds(1));
        try
        {
            for (ulong sequence = 1; ; sequence++)
            {
                NodeReport report = new()
                {
                    Node = Settings.Node, Region = Settings.Region, Zone = "a", Tier = Tier.Core,
                    Url = $"http://{Settings.Address}:{port}", State = NodeState.Serving, StartTime = started,
                    Sequence = sequence, Load = new LoadReport { CpuUtilization = 0.1 },
                };
                report.Models.Add(new ModelReport
                {
                    Name = Settings.Model, Version = "1", Ready = true, Slots = 64, QueueMax = 1024, Provider = "cpu",
                });
                registry.Take(session, report);
                await timer.WaitForNextTickAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }
}
