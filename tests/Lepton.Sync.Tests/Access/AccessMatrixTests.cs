using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.ServiceDefaults;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Sync.Tests.Access;

/// <summary>
/// C2: every RPC that a node of Sync offers, called over its socket by every role, held in its region and in another,
/// by services, and for another tenant. What is expected is written down here a second time, independent of the code.
/// </summary>
[Collection("postgres")]
public sealed class AccessMatrixTests(SyncServer server)
{
    private const string Readers = "admin service steward | *";
    private const string Lookers = "viewer operator auditor audit-officer compliance-officer admin | *";
    private const string Managers = "operator admin |";
    private const string Stewards = "admin steward |";
    private const string Peers = "| sync";

    /// <summary>Who may: roles, then services; <c>anyone</c> is whoever has a name.</summary>
    private static readonly Dictionary<string, string> Expected = new()
    {
        ["lepton.sync.v1.RecordService/Put"] = Readers,
        ["lepton.sync.v1.RecordService/Delete"] = Readers,
        ["lepton.sync.v1.RecordService/WriteBatch"] = Readers,
        ["lepton.sync.v1.RecordService/Get"] = Readers,
        ["lepton.sync.v1.RecordService/GetBatch"] = Readers,
        ["lepton.sync.v1.RecordService/Scan"] = Readers,
        ["lepton.sync.v1.RecordService/Watch"] = Readers,
        ["lepton.sync.v1.TopologyService/GetTopology"] = Lookers,
        ["lepton.sync.v1.TopologyService/Locate"] = Lookers,
        ["lepton.sync.v1.TopologyService/Promote"] = Managers,
        ["lepton.sync.v1.SubjectService/Erase"] = Stewards,
        ["lepton.sync.v1.SubjectService/GetErasure"] = Stewards,
        ["lepton.sync.v1.SubjectService/Export"] = Stewards,
        ["lepton.sync.v1.BackupService/CreateBackup"] = Managers,
        ["lepton.sync.v1.BackupService/ListBackups"] = Managers,
        ["lepton.sync.v1.BackupService/GetBackup"] = Managers,
        ["lepton.sync.v1.BackupService/VerifyBackup"] = Managers,
        ["lepton.sync.v1.StrandedService/ListStrandedWrites"] = Managers,
        ["lepton.sync.v1.StrandedService/GetStrandedWrite"] = Managers,
        ["lepton.sync.v1.StrandedService/RestoreStrandedWrite"] = Managers,
        ["lepton.sync.v1.StrandedService/DiscardStrandedWrite"] = Managers,
        ["lepton.sync.v1.PeerService/Replicate"] = Peers,
        ["lepton.sync.v1.PeerService/CopySlots"] = Peers,
        ["lepton.sync.v1.PeerService/WriteAtHome"] = Peers,
        ["lepton.sync.v1.PeerService/ReadAtHome"] = Peers,
        ["lepton.sync.v1.PeerService/ScanSlots"] = Peers,
        ["lepton.sync.v1.PeerService/GetDataKeys"] = Peers,
        ["lepton.sync.v1.PeerService/GetSettledTombstones"] = Peers,
        ["lepton.sync.v1.PeerService/ApplyErasure"] = Peers,
        ["lepton.sync.v1.PeerService/FindErasure"] = Peers,
        ["lepton.sync.v1.PeerService/Ask"] = Peers,
        ["lepton.platform.v1.AccessService/WhoAmI"] = "anyone",
        ["grpc.health.v1.Health/Check"] = "anyone",
        ["grpc.health.v1.Health/List"] = "anyone",
        ["grpc.health.v1.Health/Watch"] = "anyone",
        ["grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = "anyone",
    };

    [Fact]
    public async Task EveryRpc_EveryRoleRegionServiceAndTenant_IsLetInExactlyAsWritten()
    {
        await using TestSync world = await TestSync.StartAsync(
            server, ["eu-west-a"], new() { ["Lepton:Reflection"] = "true" });
        TestKeeper keeper = world.Keepers[0];
        world.Installation.SignAccess(AccessWalk.Document(
            """{ "tenant": "admin-all", "role": "admin", "regions": ["eu-west"], "allTenants": true }"""));
        keeper.Services.GetRequiredService<AccessFile>().LookAgain();
        string[] paths = [.. keeper.Services.GetRequiredService<OfferedServices>().Services
            .SelectMany(s => s.Methods).Select(m => $"{m.Service.FullName}/{m.Name}")];

        AccessWalk walk = new(world.Installation, keeper.Url, Expected, "routing", "sync", "compliance");
        Assert.Equal("", await walk.DifferencesAsync(paths));

        Assert.Equal("", string.Join('\n', await OtherTenantsAsync(world, keeper)));
    }

    /// <summary>An RPC that says nothing of who may call it stops the start; one that is mapped and not offered has no
    /// rule, and is for nobody.</summary>
    [Fact]
    public async Task AnRpcWithoutARule_StopsTheStart()
    {
        using TestInstallation installation = new();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "sync"));
        builder.AddServiceDefaults("sync");
        builder.AddAudit("sync");
        await using WebApplication app = builder.Build();

        InvalidOperationException fault = Assert.Throws<InvalidOperationException>(
            () => app.MapServiceDefaults(SyncApp.NoOthers, OpenInference.GRPCInferenceService.Descriptor));

        Assert.Contains("ServerLive declares nobody", fault.Message, StringComparison.Ordinal);
        Assert.All(SyncApp.Offered.SelectMany(o => o.Methods), method => Assert.Equal(
            "lepton.sync.v1", method.File.Package)); // none of others', which the tests of their services walk
    }

    // The message says whose: with a role that holds for the caller's own tenant, and with one for all.
    private static async Task<List<string>> OtherTenantsAsync(TestSync world, TestKeeper keeper)
    {
        List<string> wrong = [];
        foreach ((string tenant, string owner, bool may) in (IEnumerable<(string, string, bool)>)
        [
            ("admin-here", "", true), ("admin-here", "admin-here", true), ("admin-here", "demo", false),
            ("admin-all", "demo", true), ("steward-here", "demo", false),
        ])
        {
            using GrpcChannel channel = world.Installation.Channel(keeper.Url, world.Installation.Tenant(tenant));
            foreach ((string name, Func<Task> call) in CallsFor(channel, owner))
                if (tenant != "steward-here" || name != "Locate") // which no steward may make at all
                    if (await ReasonAsync(call) is var reason && reason == "CALLER_NOT_ALLOWED" == may)
                        wrong.Add($"{tenant} {(may ? "may not" : "may")} {name} for '{owner}': {reason}");
        }
        return wrong;
    }

    private static IEnumerable<(string, Func<Task>)> CallsFor(GrpcChannel channel, string owner)
    {
        RecordService.RecordServiceClient records = new(channel);
        SubjectService.SubjectServiceClient subjects = new(channel);
        TopologyService.TopologyServiceClient topology = new(channel);
        RecordKey key = Calls.Key("public", "k", owner);
        yield return ("Put", async () => await records.PutAsync(
            new PutRequest { Write = new Write { Key = key } }, Calls.Options));
        yield return ("Delete", async () => await records.DeleteAsync(new DeleteRequest { Key = key }, Calls.Options));
        yield return ("WriteBatch", async () => await records.WriteBatchAsync(
            new WriteBatchRequest { Writes = { new Write { Key = key } } }, Calls.Options));
        yield return ("Get", async () => await records.GetAsync(new GetRequest { Key = key }, Calls.Options));
        yield return ("GetBatch", async () => await records.GetBatchAsync(
            new GetBatchRequest { Keys = { key } }, Calls.Options));
        yield return ("Scan", async () => await records.ScanAsync(
            new ScanRequest { RecordClass = "public", Tenant = owner }, Calls.Options));
        yield return ("Watch", async () =>
        {
            using AsyncServerStreamingCall<WatchResponse> watch = records.Watch(
                new WatchRequest { RecordClass = "public", Tenant = owner }, Calls.Options);
            Assert.True(await watch.ResponseStream.MoveNext(default));
        });
        yield return ("Locate", async () => await topology.LocateAsync(
            new LocateRequest { Key = key }, Calls.Options));
        yield return ("Erase", async () => await subjects.EraseAsync(
            new EraseRequest { Subject = "nobody", Tenant = owner }, Calls.Options));
        yield return ("Export", async () =>
        {
            using AsyncServerStreamingCall<ExportResponse> export = subjects.Export(
                new ExportRequest { Subject = "nobody", Tenant = owner }, Calls.Options);
            Assert.False(await export.ResponseStream.MoveNext(default));
        });
    }

    private static async Task<string> ReasonAsync(Func<Task> call)
    {
        try
        {
            await call();
            return "";
        }
        catch (RpcException e)
        {
            return RpcErrors.ReasonOf(e) ?? e.StatusCode.ToString();
        }
    }
}
