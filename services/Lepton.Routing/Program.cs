using Lepton.Compliance.Client.Audit;
using Lepton.Routing;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("routing");
builder.AddAudit("routing", HealthStatus.Degraded);
builder.AddControlData();
builder.Services.AddRouter();
await using WebApplication app = builder.Build();
app.MapRouter();
await app.RunAsync();
