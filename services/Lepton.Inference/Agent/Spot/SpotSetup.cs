using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Agent.Spot;

/// <summary>Who is asked, by the options.</summary>
internal static class SpotSetup
{
    public static IServiceCollection AddSpot(this IServiceCollection services) => services
        .AddChecked<SpotOptions>("Inference:Spot", SpotOptions.Faults)
        .AddSingleton(s => new SpotWatch(
            SourceOf(s.GetRequiredService<IOptions<SpotOptions>>().Value), s.GetRequiredService<NodeAgent>(),
            s.GetRequiredService<InferenceMetrics>(), s.GetRequiredService<TimeProvider>(),
            s.GetRequiredService<IOptions<SpotOptions>>(), s.GetRequiredService<ILogger<SpotWatch>>()))
        .AddHostedService(s => s.GetRequiredService<SpotWatch>());

    /// <summary>Null: this is no spot node.</summary>
    public static ISpotNotices? SourceOf(SpotOptions options) => options.Source switch
    {
        "none" => null,
        "file" => new FileNotices(options.File),
        _ => new CloudNotices(options.Source,
            options.Url.Length > 0 ? new Uri(options.Url) : CloudNotices.AddressOf(options.Source), options.Resource,
            // Its address is the machine's own link: no proxy, no way out.
            new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false })),
    };
}
