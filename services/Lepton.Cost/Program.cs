using Lepton.Cost;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("cost");
builder.AddControlData();
builder.Services.AddCost();

await using var app = builder.Build();
app.MapServiceDefaults(CostApp.NoOthers, CostApp.Offered);
app.MapCost();
await app.RunAsync();
