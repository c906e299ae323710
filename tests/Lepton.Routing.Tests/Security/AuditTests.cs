using Grpc.Core;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using OpenInference;

namespace Lepton.Routing.Tests.Security;

/// <summary>C4: what a router tells the audit log, and what it refuses when it cannot.</summary>
public sealed class AuditTests
{
    private const string Inference = "inference.GRPCInferenceService/";

    private static IReadOnlyList<AuditEvent> Events(TestRouter router, AuditCategory category) =>
        [.. router.Services.GetRequiredService<SpoolFiles>().ReadAll().Where(e => e.Category == category)];

    private static async Task<AuditEvent> OneAsync(TestRouter router, AuditCategory category, string action)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (true)
        {
            router.Services.GetRequiredService<Spool>().Drain();
            if (Events(router, category).FirstOrDefault(e => e.Action == action) is { } found)
                return found;
            await Task.Delay(10, patience.Token);
        }
    }

    [Fact]
    public async Task Infer_RegulatedClass_IsOnDiskBeforeTheNodeHearsOfIt()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        IReadOnlyList<AuditEvent> before = [];
        node.Infer = (request, _) =>
        {
            before = Events(router, AuditCategory.Regulated);
            return Task.FromResult(new ModelInferResponse { ModelName = request.ModelName });
        };
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal"));
        AuditEvent e = Assert.Single(before);
        Assert.Equal(
            (Inference + "ModelInfer", AuditOutcome.Succeeded, "tenant/demo", "demo", "models/ocr", "eu-personal"),
            (e.Action, e.Outcome, e.Actor.Principal, e.Tenant, e.Resource, e.DataClass));
        Assert.StartsWith("eu-west-", e.DecisionId, StringComparison.Ordinal);
        Assert.Equal("3", e.PolicyVersion.Split(['-', '+', '.', ' '])[0].TrimStart('v'));
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr"));
        Assert.Single(Events(router, AuditCategory.Regulated)); // the public one is none, and an end is none
    }

    [Fact]
    public async Task Infer_RegulatedThatFails_HasASecondEventWithItsEnd()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        node.Infer = (_, _) => throw new RpcException(new Status(StatusCode.InvalidArgument, "bad tensor"));
        TestRouter router = world["eu-west"];
        await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")));
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (Events(router, AuditCategory.Regulated).Count < 2)
            await Task.Delay(10, patience.Token);
        IReadOnlyList<AuditEvent> events = Events(router, AuditCategory.Regulated);
        Assert.Equal([AuditOutcome.Succeeded, AuditOutcome.Failed], events.Select(e => e.Outcome));
        Assert.Equal("InvalidArgument", events[1].Reason);
        Assert.Equal(events[0].DecisionId, events[1].DecisionId);
    }

    [Fact]
    public async Task Infer_RefusedByResidency_IsAPolicyEventOfEveryClass()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], ["us-east"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("us-health")));
        AuditEvent e = await OneAsync(router, AuditCategory.Policy, Inference + "ModelInfer");
        Assert.Equal((AuditOutcome.Denied, "GATEWAY_NOT_ALLOWED", "us-health"), (e.Outcome, e.Reason, e.DataClass));
    }

    [Fact]
    public async Task Manage_LoadAndDrain_AreWrittenBeforeAndAfter()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        await router.Client.RepositoryModelLoadAsync(new() { ModelName = "ocr" });
        await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Routing.DrainNodeAsync(new() { Node = "nobody" }));
        IReadOnlyList<AuditEvent> events = Events(router, AuditCategory.Management);
        Assert.Equal(4, events.Count);
        Assert.Equal(
            (Inference + "RepositoryModelLoad", AuditOutcome.Failed, "UNDER_WAY", "models/ocr", "MODELS_MANAGE"),
            (events[0].Action, events[0].Outcome, events[0].Reason, events[0].Resource,
                events[0].Details["permission"]));
        Assert.Equal((AuditOutcome.Succeeded, "", events[0].Id),
            (events[1].Outcome, events[1].Reason, events[1].Details["begun"]));
        Assert.Equal(
            ("lepton.routing.v1.RoutingService/DrainNode", "nodes/nobody", AuditOutcome.Failed, "NODE_UNKNOWN"),
            (events[3].Action, events[3].Resource, events[3].Outcome, events[3].Reason));
        Assert.Equal("127.0.0.1", events[3].Actor.Address);
        Assert.True(events[3].Actor.Service);
    }

    [Fact]
    public async Task Door_NamedAndDenied_AreTold()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        world.Installation.SignAccess("""
            { "version": 2, "assignments": [{ "tenant": "*", "role": "viewer", "regions": ["*"] }], "tenants": {} }
            """);
        TestRouter router = world["eu-west"];
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (true)
            try
            {
                await router.Routing.DrainNodeAsync(new() { Node = "n" }, cancellationToken: patience.Token);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.PermissionDenied)
            {
                break; // the new roles are in force
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                await Task.Delay(50, patience.Token);
            }
        AuditEvent denied = await OneAsync(
            router, AuditCategory.Authorisation, "lepton.routing.v1.RoutingService/DrainNode");
        Assert.Equal((AuditOutcome.Denied, "CALLER_NOT_ALLOWED", "NODES_MANAGE", "tenant/demo"),
            (denied.Outcome, denied.Reason, denied.Details["permission"], denied.Actor.Principal));
        AuditEvent named = await OneAsync(router, AuditCategory.Authentication, "caller.authenticate");
        Assert.Equal((AuditOutcome.Succeeded, "certificate"), (named.Outcome, named.Details["by"]));
        Assert.NotEmpty(named.Actor.CertificateThumbprint);

        using HttpClient nobody = new(world.Installation.Handler(null));
        nobody.DefaultRequestVersion = new Version(2, 0);
        Func<Task> ask = () => nobody.GetAsync(new Uri(router.Url + "/health/live"), patience.Token);
        await Assert.ThrowsAnyAsync<HttpRequestException>(ask); // no certificate gets past the handshake here
    }

    [Fact]
    public async Task SpoolFull_RegulatedAndManagementAreRefused_PublicGoesOn()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: new()
        {
            ["Audit:Nodes:0:Url"] = "https://127.0.0.1:1", // nobody takes anything
            ["Audit:SpoolBytesMax"] = "65536",
            ["Audit:SegmentBytesMax"] = "16384",
        });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TestRouter router = world["eu-west"];
        IAuditLog audit = router.Services.GetRequiredService<IAuditLog>();
        await Assert.ThrowsAsync<AuditUnavailableException>(async () =>
        {
            while (true)
                await audit.WriteAsync(new AuditEvent { Action = "fill" }, CancellationToken.None);
        });
        RpcException regulated = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.ModelInferAsync(TestWorld.Ask("ocr"), TestWorld.Class("eu-personal")));
        RpcException drain = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Routing.DrainNodeAsync(new() { Node = "node-a" }));
        RpcException load = await Assert.ThrowsAsync<RpcException>(async () =>
            await router.Client.RepositoryModelLoadAsync(new() { ModelName = "ocr" }));
        Assert.All([regulated, drain, load], e => Assert.Equal(
            (StatusCode.Unavailable, "AUDIT_UNAVAILABLE"), (e.StatusCode, RpcErrors.ReasonOf(e))));
        Assert.Equal(0, node.Reached);
        await router.Client.ModelInferAsync(TestWorld.Ask("ocr")); // public
        Assert.Equal(1, node.Reached);
        Assert.Equal(0, router.Outstanding());
    }
}
