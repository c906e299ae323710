using Lepton.Compliance.Client;
using Lepton.Inference.Agent.Spot;
using Lepton.ServiceDefaults;
using Lepton.Testing.Configuration;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Inference.Tests;

/// <summary>A bad value stops a node's start, and is told by its key and what the key takes.</summary>
public sealed class InferenceOptionsTests
{
    private static readonly Dictionary<string, string?> Good = new()
    {
        ["Lepton:Region"] = "eu-west",
        ["Lepton:AccessFile"] = "access.jws",
        ["Lepton:Tls:CertificateFile"] = "a.crt",
        ["Lepton:Tls:KeyFile"] = "a.key",
        ["Lepton:Tls:AuthorityFile"] = "ca.crt",
        ["Inference:Node"] = "node-a",
        ["Inference:AdvertiseUrl"] = "https://node.example",
        ["Inference:Routers:0"] = "https://router.example",
        ["Inference:ModelDirectory"] = "models",
    };

    public static TheoryData<string, string, string> Bad
    {
        get
        {
            var rows = new TheoryData<string, string, string>
            {
                { "Inference:Node", "", "takes 2 to 63 of a-z" },
                { "Inference:Node", "Node A", "takes 2 to 63 of a-z" },
                { "Inference:Tier", "", "takes core or edge" },
                { "Inference:Tier", "middle", "takes core or edge" },
                { "Inference:AdvertiseUrl", "", "takes an https address" },
                { "Inference:AdvertiseUrl", "http://node.example", "takes an https address" },
                { "Inference:Routers:0", "router", "takes the https address of a router" },
                { "Inference:ModelDirectory", "", "takes the path of a model repository" },
                { "Inference:Provider", "tpu", "takes auto, cpu or cuda" },
                { "Inference:LoadIntervalMaxMilliseconds", "900",
                    "takes at least Inference:LoadIntervalMinMilliseconds" },
                { "Inference:Spot:Source", "cloud", "takes none, aws, azure, gcp or file" },
                { "Inference:Spot:Source", "file", "Inference:Spot:File takes the path of a file" },
                { "Inference:Spot:Url", "169.254.169.254", "takes an http or https address" },
                { "Inference:InstanceCount", "65", "takes 1 to 64" },
            };
            foreach (var (key, value, says) in OptionRows.Of(typeof(InferenceOptions), "Inference")
                .Concat(OptionRows.Of(typeof(SpotOptions), "Inference:Spot")))
                rows.Add(key, value, says);
            return rows;
        }
    }

    [Fact]
    public void Start_GoodValues_GoesOn() => Assert.Null(FaultOf(Good));

    [Fact]
    public void Start_NoneOrTooManyRouters_SaysHowManyAreTaken()
    {
        var none = Good.Where(g => g.Key != "Inference:Routers:0");
        var many = Good.Concat(Enumerable.Range(1, 16).Select(i =>
            KeyValuePair.Create<string, string?>($"Inference:Routers:{i}", "https://router.example")));
        Assert.All([FaultOf(none), FaultOf(many)], fault =>
            Assert.Contains("Inference:Routers takes 1 to 16 https addresses", fault, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public void Start_BadValue_NamesKeyAndWhatItTakes(string key, string value, string says)
    {
        var fault = FaultOf(new Dictionary<string, string?>(Good) { [key] = value });
        Assert.NotNull(fault);
        Assert.Contains(says.StartsWith("takes", StringComparison.Ordinal) ? $"{key} {says}" : says, fault,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/no/such/file")]
    public async Task Start_NoPolicyFile_IsNamed(string? file)
    {
        using var models = new TestRepository();
        var refused = await Assert.ThrowsAsync<ResidencyPolicyException>(
            () => NodeHost.StartAsync(models, new() { ["Lepton:PolicyFile"] = file }));
        Assert.Contains("Lepton:PolicyFile takes a readable JSON file", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Not at the first request: the process does not come up.</summary>
    [Fact]
    public async Task Start_BadValueInAWholeNode_StopsIt()
    {
        using var models = new TestRepository();
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(
            () => NodeHost.StartAsync(models, new() { ["Inference:QueueMax"] = "0" }));
        Assert.Equal("Inference:QueueMax takes 1 to 100000.", refused.Message);
    }

    private static string? FaultOf(IEnumerable<KeyValuePair<string, string?>> settings)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.Configuration.AddInMemoryCollection(settings);
        builder.AddServiceDefaults("inference");
        builder.AddInference();
        using var services = builder.Services.BuildServiceProvider();
        return OptionRows.FaultOf(services);
    }
}
