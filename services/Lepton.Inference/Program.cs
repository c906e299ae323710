using Lepton.Inference;
using Lepton.ServiceDefaults;
using OpenInference;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("inference");
builder.AddInference();

var app = builder.Build();
app.MapServiceDefaults(GRPCInferenceService.Descriptor);
app.MapInference();
await app.RunAsync();
