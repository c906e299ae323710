// An app host of its own process, for the tests of how one ends.
using Aspire.Hosting;

var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions
{
    Args = args,
    AllowUnsecuredTransport = true,
    DisableDashboard = args.Contains("--no-dashboard"),
});
var probe = builder.AddProject<Projects.Lepton_AspireHosting_Probe>("probe")
    .WithHttpEndpoint()
    .WithReplicas(2)
    .WithHttpHealthCheck("/health");
builder.AddExecutable("sleeper", "sleep", ".", "600").WithEnvironment("PROBE_URL", probe.GetEndpoint("http"));
builder.Build().Run();
