using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// The node behind every proxy: Kestrel over h2c, which reads the whole request and answers 1 kB and trailers. What
/// comes with a hop assertion has it checked as a node does; its time counts as Lepton's.
/// </summary>
internal sealed class Upstream(HopVerifier verifier)
{
    public const string Role = "gateway-upstream";

    private static readonly Caller Router = new(CallerKind.Service, Settings.Region, "routing", "");
    private static readonly byte[] Answer = Settings.AnswerFrame();
    private static readonly byte[] Healthy = [0, 0, 0, 0, 2, 8, 1]; // grpc.health.v1: SERVING
    private long _served;

    public static int Run(string[] args) => RunAsync(new BenchFiles(args[0])).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(BenchFiles files)
    {
        TlsMaterial material = new(Options.Create(files.Tls("inference")), TimeProvider.System,
            NullLogger<TlsMaterial>.Instance);
        Upstream upstream = new(new HopVerifier(material, TimeProvider.System));
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AllowAlternateSchemes = true; // a proxy that ends TLS passes on :scheme https
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        await using WebApplication app = builder.Build();
        app.Run(upstream.HandleAsync);
        await app.StartAsync();
        Console.WriteLine(new Uri(app.Services.GetRequiredService<IServer>().Features
            .GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()).Port);
        await ParentLine.AnswerAsync(() => Volatile.Read(ref upstream._served));
        return 0;
    }

    private async Task HandleAsync(HttpContext http)
    {
        PipeReader body = http.Request.BodyReader;
        while (true)
        {
            ReadResult read = await body.ReadAsync();
            body.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                break;
        }
        bool infers = http.Request.Path.Value == Settings.Path;
        bool accepted = http.Request.Headers[HopHeader.Name].Count == 0
            || verifier.Verify(http.Request.Headers, Settings.Node, Router) is HopVerdict.Accepted;
        http.Response.ContentType = "application/grpc";
        if (accepted)
            http.Response.BodyWriter.Write(infers ? Answer : Healthy);
        http.Response.AppendTrailer("grpc-status", accepted ? "0" : "16");
        if (infers && accepted)
            Interlocked.Increment(ref _served);
    }
}
