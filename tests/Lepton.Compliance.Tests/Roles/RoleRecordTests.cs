using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Compliance.Tests.Roles;

/// <summary>C2: the record itself: who may sign it, what a forged one does, and who may make each call.</summary>
[Collection("roles")]
public sealed class RoleRecordTests(RolesWorld world)
{
    private static readonly Dictionary<string, string> s_expected = new()
    {
        ["lepton.compliance.v1.RoleService/GrantRole"] = "admin |",
        ["lepton.compliance.v1.RoleService/ApproveRole"] = "admin |",
        ["lepton.compliance.v1.RoleService/RevokeRole"] = "admin |",
        ["lepton.compliance.v1.RoleService/BreakGlass"] = "operator admin |",
        ["lepton.compliance.v1.RoleService/ListAssignments"] = "auditor audit-officer admin |",
        ["lepton.compliance.v1.RoleService/WhoCan"] = "auditor audit-officer admin |",
        ["lepton.platform.v1.AccessService/WhoAmI"] = "anyone",
        ["grpc.health.v1.Health/Check"] = "anyone",
        ["grpc.health.v1.Health/List"] = "anyone",
        ["grpc.health.v1.Health/Watch"] = "anyone",
        ["grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = "anyone",
    };

    private static CallOptions Options => new(deadline: DateTime.UtcNow + Calls.Patience);

    [Fact]
    public async Task Record_Forged_ChangesNothingIsSaidAndIsRepairedByTheOwner()
    {
        await GrantAsync("a");
        RolesDocument good = world.West.Access.Current.Granted;
        RolesDocument evil = new()
        {
            Version = good.Version + 1,
            Assignments = [good.Assignments[0] with { Id = "evil", Principal = "lepton/mallory", Role = "admin" }],
        };

        // By who may write records, with the key of a router.
        await PublishAsync(evil, world.Sync.Installation.HopSigning("eu-west"));

        await Calls.EventuallyAsync(() => SaysAsync(ControlData.RolesKey));
        Assert.Equal(HealthStatus.Degraded, (await HealthAsync()).Status);
        Assert.Equal(good.Version, world.West.Access.Current.Granted.Version);
        Assert.False(world.West.Access.Current.GrantsOf(Caller.OfToken("lepton", "mallory", "x")).Own
            .Has(Permission.RolesManage));
        Assert.Equal("ROLES_DAMAGED", await Calls.RefusalAsync(() => GrantAsync("b")));

        // The signer of control data puts the last good one back, as a higher version.
        await PublishAsync(good with { Version = good.Version + 1 }, world.Sync.Installation.Issue(
            "access", "spiffe://lepton.local/access", [SignedContent.KeyUsage]));
        await Calls.EventuallyAsync(async () => !await SaysAsync(ControlData.RolesKey));
        await GrantAsync("c");
        await Calls.EventuallyAsync(() => Task.FromResult(
            world.East.Access.Current.Granted.Version == good.Version + 2));
    }

    [Fact]
    public async Task RoleSigner_SignsRoles_AndNeitherTheAccessDocumentNorAnything()
    {
        (string certificate, string key) = world.Sync.Installation.RoleSigning("eu-west");
        using var signer = X509Certificate2.CreateFromPemFile(certificate, key);
        long before = world.West.Access.Current.Version;
        SignedContent forged = SignedContent.Sign(ControlData.AccessKey, before + 7,
            System.Text.Encoding.UTF8.GetBytes($$"""{ "version": {{before + 7}}, "assignments": [], "tenants": {} }"""),
            signer, DateTimeOffset.UtcNow);

        await PutAsync(ControlData.AccessKey, forged.Jws);

        await Calls.EventuallyAsync(() => SaysAsync(ControlData.AccessKey));
        Assert.Equal(before, world.West.Access.Current.Version);
    }

    [Fact]
    public async Task EveryRpc_EveryRoleRegionAndService_IsLetInExactlyAsWritten()
    {
        await using RolesHost host = await RolesHost.StartAsync(world.Sync, "eu-west");
        host.Access.Use(System.Text.Encoding.UTF8.GetBytes(
            AccessWalk.Document().Replace("\"version\": 2", "\"version\": 3", StringComparison.Ordinal)), 3);
        string[] paths = [.. host.Services.GetRequiredService<OfferedServices>().Services
            .SelectMany(s => s.Methods).Select(m => $"{m.Service.FullName}/{m.Name}")];

        AccessWalk walk = new(world.Sync.Installation, host.Url, s_expected, "routing", "sync", "compliance");

        Assert.Equal("", await walk.DifferencesAsync(paths));
    }

    [Fact]
    public async Task Grant_WithoutASigner_SaysSoAndHealthToo()
    {
        await using RolesHost host = await RolesHost.StartAsync(world.Sync, "eu-west", new()
        {
            ["Compliance:Roles:SignerKeyFile"] = Path.Combine(world.Sync.Folder, "none.key"),
        });

        Assert.Equal("ROLES_UNAVAILABLE", await Calls.RefusalAsync(async () => await host.As("platform").GrantRoleAsync(
            new GrantRoleRequest { Principal = "lepton/x", Role = "viewer", Regions = { "*" }, Reason = "x" }, Options)));
        HealthReport report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Assert.Equal(HealthStatus.Degraded, report.Entries["role-signer"].Status);
    }

    private async Task GrantAsync(string name) => await world.West.As("platform").GrantRoleAsync(
        new GrantRoleRequest { Principal = $"lepton/{name}", Role = "viewer", Regions = { "*" }, Reason = "x" }, Options);

    private async Task<bool> SaysAsync(string key) =>
        (await HealthAsync()).Description?.Contains(key, StringComparison.Ordinal) == true;

    private async Task<HealthReportEntry> HealthAsync() => (await world.West.Services
        .GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["control-data"];

    private Task PublishAsync(RolesDocument document, (string Certificate, string Key) by)
    {
        using var signer = X509Certificate2.CreateFromPemFile(by.Certificate, by.Key);
        return PutAsync(ControlData.RolesKey, SignedContent.Sign(
            ControlData.RolesKey, document.Version, document.Write(), signer, DateTimeOffset.UtcNow).Jws);
    }

    private Task PutAsync(string key, ReadOnlyMemory<byte> jws) => Calls.EventuallyAsync(async () =>
        await world.West.Services.GetRequiredService<GlobalRecords>().PutAsync(key, jws, RecordCodec.Bytes)
            is WriteOutcome.Done);
}
