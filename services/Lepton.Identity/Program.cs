using Lepton.Compliance.Client.Audit;
using Lepton.Identity;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("identity");
builder.AddAudit("identity");
builder.AddControlData();
builder.Services.AddIdentity();

await using var app = builder.Build();
app.MapServiceDefaults(IdentityApp.NoOthers, SecurityService.Descriptor);
app.MapIdentity();
await app.RunAsync();
