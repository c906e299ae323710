using Lepton.Inference;
using Lepton.ServiceDefaults;
using OpenInference;
using Xds.Service.Orca.V3;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("inference");
builder.AddInference();

var app = builder.Build();
app.MapServiceDefaults(GRPCInferenceService.Descriptor, OpenRcaService.Descriptor);
app.MapInference();
await app.RunAsync();
