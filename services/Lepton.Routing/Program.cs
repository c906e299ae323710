using Lepton.Routing;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("routing");
builder.AddControlData();
builder.Services.AddRouter();
await using WebApplication app = builder.Build();
app.MapRouter();
await app.RunAsync();
