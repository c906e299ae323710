using System.Net;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Dashboard;

/// <summary>Serves the resource service on loopback, HTTP/2 without TLS, to whoever has the key.</summary>
internal sealed class ResourceServiceHost(
    IConfiguration configuration,
    ResourceNotificationService notifications,
    ResourceLoggerService loggers,
    ResourceCommandService commands,
    ILoggerFactory loggerFactory)
{
    private WebApplication? application;

    public string Url { get; private set; } = "";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // Slim and without this process's arguments and environment: those configure the app host.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(loggerFactory);
        builder.Services.AddSingleton(notifications);
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(commands);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options => options.Interceptors.Add<ApiKeyInterceptor>());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Listen);
        application = builder.Build();
        application.UseRouting();
        application.MapGrpcService<DashboardService>();
        await application.StartAsync(cancellationToken).ConfigureAwait(false);
        var addresses = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        Url = addresses?.Addresses.First() ?? throw new InvalidOperationException("The server has no address.");
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (application is null)
            return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // Its streams end when their callers leave, and the dashboard has left.
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        await application.StopAsync(limit.Token).ConfigureAwait(false);
        await application.DisposeAsync().ConfigureAwait(false);
    }

    private void Listen(KestrelServerOptions options)
    {
        string? url = configuration["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"]
            ?? configuration["DOTNET_RESOURCE_SERVICE_ENDPOINT_URL"];
        if (string.IsNullOrEmpty(url))
        {
            options.Listen(IPAddress.Loopback, 0, Http2);
            return;
        }

        var address = new Uri(url);
        if (address.Scheme != Uri.UriSchemeHttp || !address.IsLoopback)
            throw new DistributedApplicationException(
                $"ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL is {url}; here it must be an http address on loopback.");
        if (IPAddress.TryParse(address.Host.Trim('[', ']'), out IPAddress? ip))
            options.Listen(ip, address.Port, Http2);
        else
            options.ListenLocalhost(address.Port, Http2);
    }

    private static void Http2(ListenOptions options) => options.Protocols = HttpProtocols.Http2;
}
