using Lepton.Routing;
using Lepton.ServiceDefaults;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("routing");
builder.Services.AddRouter();
await using WebApplication app = builder.Build();
app.MapRouter();
await app.RunAsync();
