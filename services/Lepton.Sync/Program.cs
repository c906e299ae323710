using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Lepton.Sync;
using Lepton.Sync.Backup;
using Lepton.Sync.Client;

// Offline, beside a node that may be running: it is no service.
if (RestoreCommand.IsMeant(args))
    return await RestoreCommand.RunAsync(args);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("sync");
builder.AddAudit("sync");
builder.AddControlData();
builder.Services.AddSync();

await using var app = builder.Build();
app.MapServiceDefaults(SyncApp.NoOthers, SyncApp.Offered);
app.MapSync();
await app.RunAsync();
return 0;
