using Lepton.Inference;
using Lepton.Inference.Serving;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using OpenInference;
using Xds.Service.Orca.V3;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("inference");
builder.AddControlData();
builder.AddInference();

var app = builder.Build();
app.MapServiceDefaults(NodeAccess.Rules, GRPCInferenceService.Descriptor, OpenRcaService.Descriptor);
app.MapInference();
await app.RunAsync();
