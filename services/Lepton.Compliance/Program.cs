using Lepton.Compliance.Client.Audit;
using Lepton.Compliance;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("compliance");
builder.AddAudit("compliance");
builder.AddControlData();
builder.Services.AddCompliance();

await using var app = builder.Build();
app.MapServiceDefaults(ComplianceApp.NoOthers, ComplianceApp.Offered);
app.MapCompliance();
await app.RunAsync();
