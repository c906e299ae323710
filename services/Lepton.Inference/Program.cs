using Lepton.Compliance.Client.Audit;
using Lepton.Inference;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using OpenInference;
using Xds.Service.Orca.V3;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("inference");
builder.AddAudit("inference", HealthStatus.Degraded);
builder.AddControlData();
builder.AddInference();

var app = builder.Build();
app.MapServiceDefaults(NodeAccess.Rules, GRPCInferenceService.Descriptor, OpenRcaService.Descriptor);
app.MapInference();
await app.RunAsync();
