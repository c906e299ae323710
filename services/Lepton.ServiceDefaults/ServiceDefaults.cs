using System.Security.Authentication;
using Grpc.AspNetCore.Server;
using Lepton.Platform.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Lepton.ServiceDefaults;

/// <summary>What every service has alike: mutual TLS 1.3, callers, errors, telemetry, health, reflection.</summary>
public static class ServiceDefaults
{
    private static readonly Dictionary<string, AccessRule> OwnRules = new()
    {
        ["/health/live"] = AccessRule.ForAnyone,
        ["/health/ready"] = AccessRule.ForAnyone,
        ["/metrics"] = AccessRule.For(Permission.MetricsRead, "*"),
        ["/grpc.health.v1.Health/Check"] = AccessRule.ForAnyone,
        ["/grpc.health.v1.Health/List"] = AccessRule.ForAnyone,
        ["/grpc.health.v1.Health/Watch"] = AccessRule.ForAnyone,
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = AccessRule.ForAnyone,
    };

    /// <summary>Largest gRPC message, both ways: 64 MiB.</summary>
    public const int MessageBytesMax = PeerHttp.MessageBytesMax;

    /// <summary>Adds the defaults. <paramref name="service"/> is the name in telemetry and certificates.</summary>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder, string service)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.Configure<LoggerFilterOptions>(QuietFramework);
        services.TryAddSingleton(TimeProvider.System);
        services.AddChecked<ServiceOptions>(ServiceOptions.Section);
        services.AddChecked<TlsOptions>(TlsOptions.Section);
        services.AddCertificates();
        services.AddSingleton<PeerHttp>();
        services.AddChecked<TokenOptions>(TokenOptions.Section, TokenRules.FaultsOf);
        services.AddSingleton<TokenValidator>();
        services.AddHostedService(s => s.GetRequiredService<TokenValidator>());
        services.AddSingleton<Revocations>();
        services.AddHostedService(s => s.GetRequiredService<Revocations>());
        services.AddSingleton<TokenMetrics>();
        services.AddSingleton<TokenCache>();
        services.AddSingleton<ICallerSource, Callers>();
        services.AddSingleton<AccessRules>();
        services.AddSingleton<AccessFile>();
        services.AddHostedService(s => s.GetRequiredService<AccessFile>());
        services.AddSingleton<HopVerifier>();
        services.AddSingleton<OfferedServices>();
        services.AddSingleton<ReflectionService>();
        services.AddHealthChecks().AddCheck<CertificateWatch>("certificates");
        services.AddGrpc(grpc =>
        {
            grpc.Interceptors.Add<ErrorInterceptor>();
            grpc.MaxReceiveMessageSize = MessageBytesMax;
            grpc.MaxSendMessageSize = MessageBytesMax;
        });
        // Nothing is inflated: no limit would hold against a bomb. After the framework, which adds what is missing.
        services.PostConfigure<GrpcServiceOptions>(grpc => grpc.CompressionProviders.Clear());
        builder.WebHost.ConfigureKestrel(Configure);
        builder.AddTelemetry(service);
        return builder;
    }

    /// <summary>
    /// Maps health, who-am-I, and reflection where it is on, and lets in whom the RPCs of the services that the process
    /// offers declare.
    /// </summary>
    /// <param name="app">The process.</param>
    /// <param name="others">By path, who may make the calls of contracts that are not Lepton's.</param>
    /// <param name="offered">The process's own services.</param>
    public static WebApplication MapServiceDefaults(
        this WebApplication app, IReadOnlyDictionary<string, AccessRule> others, params ServiceDescriptor[] offered)
    {
        ArgumentNullException.ThrowIfNull(app);
        ServiceDescriptor[] own =
            [global::Grpc.Health.V1.Health.Descriptor, Platform.V1.AccessService.Descriptor];
        app.Services.GetRequiredService<OfferedServices>().Add([.. offered, .. own]);
        var rules = app.Services.GetRequiredService<AccessRules>();
        rules.Add(offered, others);
        rules.Add(own, OwnRules);
        rules.Add(OwnRules);
        app.Services.GetRequiredService<TlsMetrics>(); // nobody asks for it; it observes
        app.UseMiddleware<CallerMiddleware>();
        app.UseMiddleware<FrameErrorMiddleware>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcService<AccessService>();
        // Live: the process answers. Ready: its own checks agree.
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready");
        app.MapMetrics(app.Services.GetRequiredService<PrometheusExporter>());
        if (app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.Reflection)
        {
            var reflection = global::Grpc.Reflection.V1.ServerReflection.Descriptor;
            app.Services.GetRequiredService<OfferedServices>().Add([reflection]);
            rules.Add([reflection], OwnRules);
            app.MapGrpcService<ReflectionService>();
        }
        return app;
    }

    private static void AddCertificates(this IServiceCollection services)
    {
        services.AddSingleton<TlsMaterial>();
        services.AddSingleton<CertificateWatch>();
        services.AddHostedService(s => s.GetRequiredService<CertificateWatch>());
        services.AddSingleton<TlsMetrics>();
    }

    // Four lines a request from the framework cost more than many a request; spans and metrics say the same. First in
    // the list, so that a rule of the configuration still wins.
    private static void QuietFramework(LoggerFilterOptions filter)
    {
        filter.Rules.Insert(0, new LoggerFilterRule(null, "Microsoft.AspNetCore", LogLevel.Warning, null));
        filter.Rules.Insert(0, new LoggerFilterRule(null, "Grpc", LogLevel.Warning, null));
    }

    private static void Configure(KestrelServerOptions kestrel)
    {
        var material = kestrel.ApplicationServices.GetRequiredService<TlsMaterial>();
        var tokens = kestrel.ApplicationServices.GetRequiredService<IOptions<TokenOptions>>().Value;
        var isOpen = kestrel.ApplicationServices.GetService<HasOpenEndpoints>() is not null;
        kestrel.AddServerHeader = false;
        // gRPC bounds its messages itself; Kestrel's bound would count the whole of a long stream.
        kestrel.Limits.MaxRequestBodySize = null;
        kestrel.Limits.MinRequestBodyDataRate = null; // a quiet stream is no slow client; deadlines bound calls
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 << 20;
        kestrel.Limits.Http2.InitialStreamWindowSize = 1 << 20;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        kestrel.ConfigureHttpsDefaults(https =>
        {
            https.SslProtocols = SslProtocols.Tls13;
            https.ServerCertificateSelector = (_, _) => material.Certificate;
            // Who may come with an access token need not have a certificate; who has neither gets no further than that.
            https.ClientCertificateMode = tokens.Issuers.Count > 0 || isOpen
                ? ClientCertificateMode.AllowCertificate
                : ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (certificate, _, _) => material.IsTrustedClient(certificate);
        });
    }
}
