using Lepton.Compliance.Client.Intrusion;
using Lepton.Identity.Clients;
using Lepton.Identity.Devices;
using Lepton.Identity.Keys;
using Lepton.Identity.Passwords;
using Lepton.Identity.Requests;
using Lepton.Identity.Revocation;
using Lepton.Identity.Seeding;
using Lepton.Identity.Storage;
using Lepton.Identity.Tokens;
using Lepton.ServiceDefaults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Lepton.Identity;

/// <summary>The parts of the authority and how they are put together.</summary>
internal static class IdentityApp
{
    /// <summary>It offers no gRPC contract of others'.</summary>
    public static readonly IReadOnlyDictionary<string, AccessRule> NoOthers = new Dictionary<string, AccessRule>();

    public static IServiceCollection AddIdentity(this IServiceCollection services)
    {
        services.AddChecked<IdentityOptions>(IdentityOptions.Section, IdentityRules.FaultsOf);
        services.Configure<LoggerFilterOptions>(QuietDatabase);
        services.AddOpenEndpoints();
        services.AddIntrusion();
        services.AddHealthChecks().AddCheck<IdentityReady>("identity");
        return services
            .AddSingleton<Databases>()
            .AddSingleton<IDbContextFactory<IdentityContext>>(provider => provider.GetRequiredService<Databases>())
            .AddSingleton<IdentityMetrics>()
            .AddSingleton<MasterKey>()
            .AddSingleton<SigningKeyRing>()
            .AddSingleton<RateLimits>()
            .AddSingleton<AuditTrail>()
            .AddSingleton<AuthenticationLog>()
            .AddSingleton<IAuthenticationLog, IntrusionLog>()
            .AddSingleton<OAuthEndpoint>()
            .AddSingleton<ClientAssertions>()
            .AddSingleton<ClientAuthenticator>()
            .AddSingleton<PasswordHasher>()
            .AddSingleton<LogIn>()
            .AddSingleton<RevocationList>()
            .AddSingleton<RevocationEndpoints>()
            .AddSingleton<Sessions>()
            .AddSingleton<AccessTokens>()
            .AddSingleton<TokenEndpoint>()
            .AddSingleton<Discovery>()
            .AddSingleton<DeviceGrants>()
            .AddSingleton<DeviceAuthorization>()
            .AddSingleton<DeviceEndpoint>()
            .AddSingleton<Seeder>()
            // In this order, and all before the first request: the web host starts last.
            .AddHostedService<IdentityStart>()
            .AddHostedService<KeyRotation>()
            .AddSingleton<Sweeper>()
            .AddHostedService(provider => provider.GetRequiredService<Sweeper>());
    }

    // A statement each; and connections that fail are reported by who wanted one.
    private static void QuietDatabase(LoggerFilterOptions filter)
    {
        filter.Rules.Insert(0, new LoggerFilterRule(null, "Npgsql", LogLevel.Warning, null));
        filter.Rules.Insert(0, new LoggerFilterRule(
            null, "Microsoft.EntityFrameworkCore", LogLevel.Warning, null));
        filter.Rules.Insert(1, new LoggerFilterRule(
            null, "Microsoft.EntityFrameworkCore.Database.Connection", LogLevel.None, null));
    }

    public static WebApplication MapIdentity(this WebApplication app)
    {
        var services = app.Services;
        services.GetRequiredService<IdentityMetrics>().Watch(services.GetRequiredService<SigningKeyRing>());
        var endpoint = services.GetRequiredService<OAuthEndpoint>();
        var discovery = services.GetRequiredService<Discovery>();
        var revocation = services.GetRequiredService<RevocationEndpoints>();
        var device = services.GetRequiredService<DeviceEndpoint>();
        var describe = endpoint.Plain("discovery", discovery.DescribeAsync);
        app.MapGet("/.well-known/openid-configuration", describe).OpenToAll();
        app.MapGet("/.well-known/oauth-authorization-server", describe).OpenToAll();
        app.MapGet("/jwks", endpoint.Plain("jwks", discovery.KeysAsync)).OpenToAll();
        app.MapPost("/token", endpoint.Form("token", services.GetRequiredService<TokenEndpoint>().HandleAsync))
            .OpenToAll();
        app.MapPost("/device_authorization", endpoint.Form("device_authorization",
            services.GetRequiredService<DeviceAuthorization>().HandleAsync)).OpenToAll();
        app.MapPost("/revoke", endpoint.Form("revoke", revocation.RevokeAsync)).OpenToAll();
        app.MapPost("/introspect", endpoint.Form("introspect", revocation.IntrospectAsync)).OpenToAll();
        // Open, so that a refusal has HTTP's form: who may read it is its own affair.
        app.MapGet("/revocations", endpoint.Plain("revocations", revocation.ListAsync)).OpenToAll();
        app.MapIntrusion(context => ScopeOf(context.GetCaller(), services.GetRequiredService<AccessFile>().Current));
        app.MapGet("/device", device.GetAsync).OpenToAll();
        app.MapPost("/device", device.PostAsync).OpenToAll();
        return app;
    }

    /// <summary>Whose alerts a caller may read: its tenant's, or all where its role says so.</summary>
    private static AlertScope ScopeOf(Caller caller, AccessSnapshot access) =>
        access.GrantsOf(caller).AllTenants.Has(Platform.V1.Permission.AuditRead)
            ? AlertScope.All
            : new AlertScope(caller.Tenant, null);
}
