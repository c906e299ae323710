using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// Kestrel in, HttpMessageInvoker out and nothing between: no caller, policy, decision, record or metric. The floor
/// under any gateway built of the two; the difference to it is what Lepton itself does.
/// </summary>
internal sealed class BareFront(int node)
{
    public const string Role = "gateway-bare";

    private readonly Uri _address = new($"http://{Settings.Address}:{node}{Settings.Path}");
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ActivityHeadersPropagator = null,
        EnableMultipleHttp2Connections = true, InitialHttp2StreamWindowSize = 1 << 20,
    });

    public static int Run(string[] args) => RunAsync(int.Parse(args[0], CultureInfo.InvariantCulture),
        int.Parse(args[1], CultureInfo.InvariantCulture)).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(int h2c, int node)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
            kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
            kestrel.Listen(IPAddress.Loopback, h2c, listen => listen.Protocols = HttpProtocols.Http2);
        });
        await using WebApplication app = builder.Build();
        app.Run(new BareFront(node).HandleAsync);
        await app.StartAsync();
        Console.WriteLine("ready");
        await ParentLine.AnswerAsync(() => GC.GetTotalAllocatedBytes());
        return 0;
    }

    private async Task HandleAsync(HttpContext http)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, _address)
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new StreamContent(http.Request.Body),
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", http.Request.ContentType);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-timeout", http.Request.Headers["grpc-timeout"].ToString());
        using HttpResponseMessage answer = await _invoker.SendAsync(request, http.RequestAborted);
        http.Response.ContentType = "application/grpc";
        await answer.Content.CopyToAsync(http.Response.Body, http.RequestAborted);
        IHeaderDictionary trailers = http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;
        foreach (var (name, values) in answer.TrailingHeaders.NonValidated)
            trailers[name] = values.ToString();
    }
}
