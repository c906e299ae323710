using Lepton.ServiceDefaults;
using Lepton.Sync;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("sync");
builder.Services.AddSync();

await using var app = builder.Build();
app.MapServiceDefaults(SyncApp.NoOthers, SyncApp.Offered);
app.MapSync();
await app.RunAsync();
