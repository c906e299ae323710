using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.Policies;
using Lepton.Compliance.Tests.Law;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PastDecision = Lepton.Compliance.V1.PastDecision;

namespace Lepton.Compliance.Tests.Policies;

/// <summary>A server for this class: its nodes of Sync replicate.</summary>
public sealed class PolicyServer() : PostgresServer("policies", replicates: true), IAsyncLifetime;

/// <summary>
/// C3, S6: from a signed draft to every region and back, over real sockets, mutual TLS, nodes of Sync and PostgreSQL;
/// who follows goes by the version of its own region.
/// </summary>
public sealed class PolicyServiceTests(PolicyServer server) : IClassFixture<PolicyServer>
{
    [Fact]
    [Trait("Category", "Long")] // the command line's test goes most of this way too
    public async Task DraftToPilotToEverywhereAndBack_OverRealNodes_IsFollowedByRegion()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["us-east-a", "eu-west-a"]);
        await using Host service = await Host.StartAsync(world, "us-east", "compliance");
        await using Host europe = await Host.StartAsync(world, "eu-west", "routing");
        await using Host america = await Host.StartAsync(world, "us-east", "inference");
        PolicyService.PolicyServiceClient anna = service.As("anna"), bert = service.As("bert");
        ReadOnlyMemory<byte> document = BookWorld.Version(5);

        var submitted = await anna.SubmitPolicyAsync(new SubmitPolicyRequest
        {
            Jws = world.Sign("policies/5", 5, document), Note = "eu-personal may be served in us-east too",
        });
        Assert.Equal((PolicyState.Draft, "tenant/anna"), (submitted.Policy.State, submitted.Policy.Author));
        ApprovePolicyRequest approval = new() { Version = 5, Digest = submitted.Policy.Digest };
        await RefusedAsync("OWN_APPROVAL", anna.ApprovePolicyAsync(approval));
        Assert.Equal("tenant/bert", (await bert.ApprovePolicyAsync(approval)).Policy.Approver);
        // Nothing is followed by being approved.
        Assert.Equal((4, 4), (europe.Policy.Version, america.Policy.Version));
        await RefusedAsync("PILOT_REQUIRED", anna.ActivateOrderAsync(await OrderAsync(world, anna, ("*", 5))));

        await anna.ActivateOrderAsync(await OrderAsync(world, anna, ("*", 4), ("eu-west", 5)));
        await Calls.EventuallyAsync(() => Task.FromResult(europe.Policy.Version == 5 && america.Policy.Order == 5));
        Assert.Equal(4, america.Policy.Version);

        await anna.ActivateOrderAsync(await OrderAsync(world, anna, ("*", 5)));
        await Calls.EventuallyAsync(() => Task.FromResult(
            europe.Policy.Version == 5 && america.Policy.Version == 5));

        GetActivationResponse now = await bert.GetActivationAsync(new GetActivationRequest());
        Assert.Equal((4, 5), (now.Before["*"], now.Before["eu-west"]));
        await bert.ActivateOrderAsync(await OrderAsync(world, bert, ("*", 4)));
        await Calls.EventuallyAsync(() => Task.FromResult(
            europe.Policy.Version == 4 && america.Policy.Version == 4));

        // What was decided meanwhile is still answered by the version that decided it.
        PastDecision past = new()
        {
            Id = "x", Tenant = "lion-parcels", Model = "ocr", DataClass = "apac-personal", PolicyVersion = 5,
            PolicyDigest = submitted.Policy.Digest, AllowedRegions = { "ap-southeast" },
            CreateTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
        };
        Assert.Empty((await bert.ReplayAsync(new ReplayRequest { Decisions = { past } })).Different);
        DecideResponse why = await bert.DecideAsync(new DecideRequest
        {
            DataClass = "eu-personal", Region = "us-east",
        });
        Assert.Equal((false, "eu-gdpr.data-privacy-framework", 4L), (why.Allowed, why.RuleId, why.PolicyVersion));
        Assert.Equal([5L, 4L],
            (await bert.ListPoliciesAsync(new ListPoliciesRequest())).Policies.Select(p => p.Version));
        Assert.Contains("policy.activate policies/5 ended Succeeded", service.Audit.Lines);
        Assert.Contains("policy.approve policies/5 ended Denied OWN_APPROVAL", service.Audit.Lines);
    }

    [Fact]
    public async Task CommandLine_SubmitApproveActivateRollBackReplay_DoesItAllOverTheWire()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["us-east-a", "eu-west-a"]);
        await using Host service = await Host.StartAsync(world, "us-east", "compliance");
        await using Host europe = await Host.StartAsync(world, "eu-west", "routing");
        using Desk desk = new(world, service.Url, "anna", "bert");
        string file = desk.Write("policy.json", BookWorld.Version(5));
        async Task SaysAsync(int code, string what, params string[] args)
        {
            int got = await desk.RunAsync(["policy", .. args]);
            Assert.True(got == code && desk.Said.Contains(what, StringComparison.Ordinal), $"{got}: {desk.Said}");
        }

        await SaysAsync(0, "Policy 5 is a draft of tenant/anna's", "submit", file, "--tenant", "anna");
        await SaysAsync(1, "OWN_APPROVAL", "approve", "5", "--tenant", "anna");
        await SaysAsync(1, "nobody approved yet", "activate", "5", "--region", "eu-west", "--tenant", "anna");
        await SaysAsync(0, "is approved by tenant/bert", "approve", "5", "--tenant", "bert");
        await SaysAsync(1, "PILOT_REQUIRED", "activate", "5", "--tenant", "bert");
        await SaysAsync(2, "no such region", "activate", "5", "--region", "mars", "--tenant", "bert");
        await SaysAsync(0, "policy 5 in eu-west", "activate", "5", "--region", "eu-west", "--tenant", "bert");
        await Calls.EventuallyAsync(() => Task.FromResult(europe.Policy.Version == 5));
        await SaysAsync(0, "policy 5 in every other region", "activate", "5", "--tenant", "bert");
        await SaysAsync(0, "policy 4 in every other region", "rollback", "--tenant", "anna");
        await Calls.EventuallyAsync(() => Task.FromResult(europe.Policy.Order == 7));
        await SaysAsync(0, "approved", "list", "--tenant", "anna");

        string past = desk.Write("past.json", System.Text.Encoding.UTF8.GetBytes($$"""
            { "decision_id": "a", "tenant": "demo", "model": "ocr", "data_class": "eu-personal",
              "create_time": "2026-11-25T12:00:00Z", "policy_version": "4",
              "policy_digest": "{{Shipped.Policy.Digest}}", "allowed_regions": ["eu-west"] }
            """));
        await SaysAsync(0, "0 of 1 decisions came out otherwise", "replay", past, "--tenant", "anna");
        await SaysAsync(0, "0 of 1 decisions would come out otherwise", "simulate", "5", past, "--tenant", "anna");
    }

    private static async Task<ActivateOrderRequest> OrderAsync(
        TestSync world, PolicyService.PolicyServiceClient client, params (string Region, long Version)[] active)
    {
        GetActivationResponse now = await client.GetActivationAsync(new GetActivationRequest());
        Dictionary<long, PolicyApproval> approvals = [];
        Dictionary<long, ReadOnlyMemory<byte>> policies = [];
        foreach (long version in active.Select(a => a.Version).Distinct())
        {
            GetPolicyResponse found = await client.GetPolicyAsync(new GetPolicyRequest { Version = version });
            approvals[version] = new PolicyApproval(found.Policy.Digest, found.Policy.Author, found.Policy.Approver,
                found.Policy.ApproveTime?.ToDateTimeOffset() ?? DateTimeOffset.UnixEpoch,
                found.Policy.State == PolicyState.Seed);
            policies[version] = found.Document.Memory;
        }
        ActivationOrder order = new(now.Order + 1, active.ToDictionary(a => a.Region, a => a.Version), approvals,
            policies);
        return new ActivateOrderRequest { Jws = world.Sign(ControlData.PolicyKey, order.Version, order.Write()) };
    }

    private static async Task RefusedAsync<T>(string reason, AsyncUnaryCall<T> call) => Assert.Equal(reason,
        RpcErrors.ReasonOf(await Assert.ThrowsAsync<RpcException>(async () => await call)));

    /// <summary>A process that follows the policy; the service itself, or another's.</summary>
    private sealed class Host : IAsyncDisposable
    {
        private readonly WebApplication _app;
        private readonly TestSync _world;
        private readonly string _url;
        private readonly ControlRecord<ResidencyPolicy> _record;

        private Host(
            WebApplication app, TestSync world, string url, ControlRecord<ResidencyPolicy> record,
            RecordingLog audit) =>
            (_app, _world, _url, _record, Audit) = (app, world, url, record, audit);

        public string Url => _url;

        public ResidencyPolicy Policy => _record.Current;

        public RecordingLog Audit { get; }

        public static async Task<Host> StartAsync(TestSync world, string region, string service)
        {
            string url = FreeAddress.Url();
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            Dictionary<string, string?> configuration = world.Installation.Configuration(region, service);
            configuration["Lepton:PolicyFile"] = Path.Combine(AppContext.BaseDirectory, "residency.json");
            configuration["SyncClient:SnapshotFile"] = Path.Combine(world.Folder, $"{region}-{service}.json");
            configuration["SyncClient:CheckInterval"] = "00:00:01";
            foreach ((TestKeeper node, int i) in world.Keepers.Select((n, i) => (n, i)))
            {
                configuration[$"SyncClient:Nodes:{i}:Url"] = node.Url;
                configuration[$"SyncClient:Nodes:{i}:Region"] = node.Region;
            }
            builder.Configuration.AddInMemoryCollection(configuration);
            builder.WebHost.UseKestrelHttpsConfiguration();
            builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, url);
            builder.AddServiceDefaults(service);
            builder.AddControlData();
            RecordingLog audit = new();
            builder.Services.AddSingleton<IAuditLog>(audit);
            ControlRecord<ResidencyPolicy> record = new(ControlData.PolicyKey, Shipped.Policy, p => p.Order,
                (now, json) => now.Next(json, Shipped.World, region));
            builder.Services.AddSingleton<ControlTarget>(record);
            if (service == "compliance")
                builder.Services.AddPolicies();
            WebApplication app = builder.Build();
            app.MapServiceDefaults(
                ComplianceApp.NoOthers, service == "compliance" ? [PolicyService.Descriptor] : []);
            if (service == "compliance")
                app.MapPolicies();
            await app.StartAsync();
            return new Host(app, world, url, record, audit);
        }

        public PolicyService.PolicyServiceClient As(string tenant) =>
            new(_world.Installation.Channel(_url, _world.Installation.Tenant(tenant)));

        public async ValueTask DisposeAsync()
        {
            await _app.StopAsync();
            await _app.DisposeAsync();
        }
    }
}

internal static class Signing
{
    /// <summary>By the installation's signer of control data.</summary>
    public static ByteString Sign(this TestSync world, string record, long version, ReadOnlyMemory<byte> content)
    {
        var (certificate, key) = world.Installation.Issue(
            "signer", "spiffe://lepton.local/access", [SignedContent.KeyUsage]);
        using var signer =
            System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile(certificate, key);
        return ByteString.CopyFrom(
            SignedContent.Sign(record, version, content, signer, TimeProvider.System.GetUtcNow()).Jws.Span);
    }
}
