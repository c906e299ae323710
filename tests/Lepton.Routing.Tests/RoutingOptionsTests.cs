using Lepton.Compliance.Client.Intrusion;
using Lepton.Routing.Scaling;
using Lepton.ServiceDefaults;
using Lepton.Testing.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Routing.Tests;

/// <summary>A bad value stops a router's start, and is told by its key and what the key takes.</summary>
public sealed class RoutingOptionsTests
{
    private static readonly Dictionary<string, string?> Good = new()
    {
        ["Lepton:Region"] = "eu-west",
        ["Lepton:AccessFile"] = "access.jws",
        ["Lepton:Tls:CertificateFile"] = "a.crt",
        ["Lepton:Tls:KeyFile"] = "a.key",
        ["Lepton:Tls:AuthorityFile"] = "ca.crt",
        ["Lepton:Intrusion:RulesFile"] = "intrusion.json",
        ["Routing:HopCertificateFile"] = "hop.crt",
        ["Routing:HopKeyFile"] = "hop.key",
        ["Routing:DecisionDirectory"] = "decisions",
        ["Routing:Limits:PlaceMin"] = "10",
        ["Routing:Regions:0:Name"] = "eu-west",
        ["Routing:Regions:0:Url"] = "https://router.example",
    };

    public static TheoryData<string, string, string> Bad
    {
        get
        {
            TheoryData<string, string, string> rows = new()
            {
                { "Routing:HopCertificateFile", "", "takes the path of the hop signing certificate (PEM)" },
                { "Routing:HopKeyFile", "", "takes the path of the hop signing certificate's key (PEM)" },
                { "Routing:DecisionDirectory", "", "takes the path of a folder" },
                { "Routing:Regions:0:Name", "", "takes a region's name" },
                { "Routing:Regions:0:Url", "http://router.example", "takes the https address" },
                { "Routing:Regions:0:GatewayUrl", "http://gateway.example", "takes an https address" },
                { "Routing:Regions:0:Routers:0:Name", "r", "Routing:Regions:0 takes either Url and GatewayUrl or" },
                { "Routing:Regions:1:Name", "eu-west", "Routing:Regions:1:Url takes the https address" },
                { "Routing:ModelStrategies:0:Model", "", "takes a model's name" },
                { "Routing:ModelStrategies:0:Strategy", "best", "takes one of " },
                { "Routing:OutAfter", "00:00:02", "takes a time longer than Routing:SuspectAfter" },
                { "Routing:DeadlineMax", "00:00:01", "takes a time no shorter than Routing:DeadlineDefault" },
                { "Routing:DecisionBytesMax", "10000", "takes at least two segments" },
                { "Routing:Ejection:TimeMax", "00:00:05", "takes a time no shorter than Routing:Ejection:TimeMin" },
                { "Routing:Ejection:ShareMax", "101", "takes 0 to 100 percent" },
                { "Routing:Circuit:OpenMax", "00:00:00.5", "takes a time no shorter than Routing:Circuit:OpenMin" },
                { "Routing:Limits:PlaceMax", "5", "takes a number no less than Routing:Limits:PlaceMin" },
                { "Routing:Deadlines:AllowanceMin", "00:00:01", "Routing:Deadlines:AllowanceMax takes a time no" },
                { "Routing:Hedging:Percentile", "1", "takes 0.5 to 0.999" },
                { "Routing:Scaling:Enabled", "true", "Routing:Scaling:Pools takes at least one entry" },
                { "Routing:Scaling:Pools:0:NodesMax", "3", "Routing:Scaling:Pools:0:Tier takes core or edge" },
                { "Routing:Scaling:Pools:0:Provider", "cloud", "takes none, aspire or kubernetes" },
                { "Routing:Scaling:Pools:0:Provider", "aspire", "Routing:Scaling:Aspire:Url takes an https address" },
                { "Routing:Scaling:Pools:0:Provider", "kubernetes", "Kubernetes:Namespace takes the workloads'" },
                { "Routing:Scaling:Models:0:Class", "slow", "takes realtime or batch" },
                { "Lepton:Intrusion:RulesFile", "", "takes the path of a rules file" },
            };
            foreach ((string key, string value, string says) in OptionRows.Of(typeof(RoutingOptions), "Routing")
                .Concat(OptionRows.Of(typeof(ScalingOptions), "Routing:Scaling"))
                .Concat(OptionRows.Of(typeof(IntrusionOptions), "Lepton:Intrusion")))
                rows.Add(key, value, says);
            return rows;
        }
    }

    [Fact]
    public void Start_GoodValues_GoesOn() => Assert.Null(FaultOf(Good));

    [Fact]
    public void Start_NoRegions_SaysWhatAnEntryIs() => Assert.Contains("Routing:Regions takes one entry a region",
        FaultOf(Good.Where(g => !g.Key.StartsWith("Routing:Regions", StringComparison.Ordinal))),
        StringComparison.Ordinal);

    [Theory]
    [MemberData(nameof(Bad))]
    public void Start_BadValue_NamesKeyAndWhatItTakes(string key, string value, string says)
    {
        string? fault = FaultOf(new Dictionary<string, string?>(Good) { [key] = value });
        Assert.NotNull(fault);
        Assert.Contains(says.StartsWith("takes", StringComparison.Ordinal) ? $"{key} {says}" : says, fault,
            StringComparison.Ordinal);
    }

    private static string? FaultOf(IEnumerable<KeyValuePair<string, string?>> settings)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddServiceDefaults("routing");
        builder.Services.AddRouter();
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        return OptionRows.FaultOf(services);
    }
}
