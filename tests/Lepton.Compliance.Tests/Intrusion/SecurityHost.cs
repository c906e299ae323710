using Lepton.Compliance.Client.Intrusion;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Wire = Lepton.Platform.V1;

namespace Lepton.Compliance.Tests.Intrusion;

/// <summary>
/// A real host over mutual TLS: tenant ops may read every alert, demo its own, plain none.
/// </summary>
public sealed class SecurityHost : IAsyncLifetime
{
    private WebApplication? _app;

    public TestInstallation Installation { get; } = new();

    public string Address { get; private set; } = "";

    public IServiceProvider Services => _app!.Services;

    public List<string> Log { get; } = [];

    public Grpc.Net.Client.GrpcChannel Channel(string tenant) =>
        Installation.Channel(Address, Installation.Tenant(tenant));

    public async Task InitializeAsync()
    {
        Installation.SignAccess("""
            {
              "version": 1,
              "assignments": [
                { "tenant": "ops", "role": "auditor", "regions": ["*"], "allTenants": true },
                { "tenant": "demo", "role": "auditor", "regions": ["*"] },
                { "tenant": "plain", "role": "viewer", "regions": ["*"] }
              ],
              "tenants": {}
            }
            """);
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders().AddProvider(new ListLogger(Log));
        builder.Configuration.AddInMemoryCollection(Installation.Configuration("eu-west", "identity"));
        builder.Configuration["Lepton:Intrusion:RulesFile"] = Path.Combine(AppContext.BaseDirectory, "intrusion.json");
        builder.Configuration["Lepton:Intrusion:WatchersMax"] = "3";
        builder.AddServiceDefaults("identity");
        builder.Services.AddIntrusion();
        _app = builder.Build();
        AccessFile access = _app.Services.GetRequiredService<AccessFile>();
        _app.MapServiceDefaults(new Dictionary<string, AccessRule>(), Wire.SecurityService.Descriptor);
        _app.MapIntrusion(context =>
            access.Current.GrantsOf(context.GetCaller()).AllTenants.Has(Wire.Permission.AuditRead)
                ? AlertScope.All
                : new AlertScope(context.GetCaller().Tenant, null));
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
