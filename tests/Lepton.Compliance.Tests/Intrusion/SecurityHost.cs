using Grpc.Core;
using Lepton.Compliance.Client.Intrusion;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using V1 = Lepton.Platform.V1;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>
/// A real host over mutual TLS: service routing reads every alert, a tenant its own, other services none.
/// </summary>
public sealed class SecurityHost : IAsyncLifetime
{
    private WebApplication? _app;

    public TestInstallation Installation { get; } = new();

    public string Address { get; private set; } = "";

    public IServiceProvider Services => _app!.Services;

    public List<string> Log { get; } = [];

    public Grpc.Net.Client.GrpcChannel Router() =>
        Installation.Channel(Address, Installation.Service("eu-west", "routing"));

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders().AddProvider(new ListLogger(Log));
        builder.Configuration.AddInMemoryCollection(Installation.Configuration("eu-west", "identity"));
        builder.Configuration["Lepton:Intrusion:RulesFile"] = Path.Combine(AppContext.BaseDirectory, "intrusion.json");
        builder.Configuration["Lepton:Intrusion:WatchersMax"] = "3";
        builder.AddServiceDefaults("identity");
        builder.Services.AddIntrusion();
        _app = builder.Build();
        _app.MapServiceDefaults(V1.SecurityService.Descriptor);
        _app.MapIntrusion(context => context.GetCaller() is { Kind: CallerKind.Tenant } tenant
            ? new AlertScope(tenant.Tenant, null)
            : ScopeOf(context));
        await _app.StartAsync();
        Address = _app.Urls.Single();
    }

    public async Task StopAsync()
    {
        if (_app is not null)
            await _app.StopAsync();
    }

    public async Task DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        Installation.Dispose();
    }

    /// <summary>Six denials of six things: one alert, by the shipped rules, and a lock.</summary>
    public void Probe(string principal, string tenant = "demo")
    {
        ISecurityEvents events = Services.GetRequiredService<ISecurityEvents>();
        for (int i = 0; i < 6; i++)
            events.Report(new SecurityEvent
            {
                Time = DateTimeOffset.UtcNow, Kind = SecurityEventKind.AuthorisationDenied, Principal = principal,
                Tenant = tenant, Region = "eu-west", Permission = $"p{i}", TokenId = "jti-1",
                Address = System.Net.IPAddress.Parse("198.51.100.77"),
            });
    }

    private static AlertScope ScopeOf(ServerCallContext context)
    {
        context.RequireService("routing");
        return AlertScope.All;
    }

    private sealed class ListLogger(List<string> lines) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            lock (lines)
                lines.Add(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
