using Grpc.Core;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Routing.Tests.Access;

/// <summary>
/// C2: every RPC that a router offers, called over its socket by every role, held in its region and in another, and by
/// services. What is expected is written down here a second time, independent of the code.
/// </summary>
public sealed class AccessMatrixTests
{
    /// <summary>Who may: roles, then services; <c>anyone</c> is whoever has a name.</summary>
    private static readonly Dictionary<string, string> Expected = new()
    {
        ["lepton.routing.v1.RoutingService/ListNodes"] = Lookers + " | *",
        ["lepton.routing.v1.RoutingService/WatchNodes"] = Lookers + " | *",
        ["lepton.routing.v1.RoutingService/ListRegions"] = Lookers + " | *",
        ["lepton.routing.v1.RoutingService/ListModels"] = Lookers + " service | *",
        ["lepton.routing.v1.RoutingService/ExplainDecision"] = Lookers + " service | routing",
        ["lepton.routing.v1.RoutingService/ReplayDecision"] = Lookers + " service |",
        ["lepton.routing.v1.RoutingService/PlanRoute"] = "admin service |",
        ["lepton.routing.v1.RoutingService/DrainNode"] = "operator admin |",
        ["lepton.routing.v1.RoutingService/ResumeNode"] = "operator admin |",
        ["lepton.routing.v1.RoutingService/GetScaling"] = Lookers + " | *",
        ["externalscaler.ExternalScaler/IsActive"] = "| keda",
        ["externalscaler.ExternalScaler/StreamIsActive"] = "| keda",
        ["externalscaler.ExternalScaler/GetMetricSpec"] = "| keda",
        ["externalscaler.ExternalScaler/GetMetrics"] = "| keda",
        ["lepton.routing.v1.RegistryService/Report"] = "| inference",
        ["lepton.routing.v1.RegionService/Exchange"] = "| routing",
        ["lepton.routing.v1.RegionService/ShareUse"] = "| routing",
        ["lepton.platform.v1.AccessService/WhoAmI"] = "anyone",
        ["lepton.platform.v1.SecurityService/WatchAlerts"] = "auditor audit-officer admin |",
        ["lepton.platform.v1.SecurityService/ListAlerts"] = "auditor audit-officer admin |",
        ["grpc.health.v1.Health/Check"] = "anyone",
        ["grpc.health.v1.Health/List"] = "anyone",
        ["grpc.health.v1.Health/Watch"] = "anyone",
        ["grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = "anyone",
        ["inference.GRPCInferenceService/ServerLive"] = "anyone",
        ["inference.GRPCInferenceService/ServerReady"] = "anyone",
        ["inference.GRPCInferenceService/ModelInfer"] = "admin service | routing",
        ["inference.GRPCInferenceService/ModelStreamInfer"] = "admin service | routing",
        ["inference.GRPCInferenceService/RepositoryModelLoad"] = "operator admin | routing",
        ["inference.GRPCInferenceService/RepositoryModelUnload"] = "operator admin | routing",
        ["inference.GRPCInferenceService/ServerMetadata"] = Readers,
        ["inference.GRPCInferenceService/ModelReady"] = Readers,
        ["inference.GRPCInferenceService/ModelMetadata"] = Readers,
        ["inference.GRPCInferenceService/ModelConfig"] = Readers,
        ["inference.GRPCInferenceService/ModelStatistics"] = Readers,
        ["inference.GRPCInferenceService/RepositoryIndex"] = Readers,
        ["inference.GRPCInferenceService/SystemSharedMemoryStatus"] = Readers,
        ["inference.GRPCInferenceService/SystemSharedMemoryRegister"] = Readers,
        ["inference.GRPCInferenceService/SystemSharedMemoryUnregister"] = Readers,
        ["inference.GRPCInferenceService/CudaSharedMemoryStatus"] = Readers,
        ["inference.GRPCInferenceService/CudaSharedMemoryRegister"] = Readers,
        ["inference.GRPCInferenceService/CudaSharedMemoryUnregister"] = Readers,
        ["inference.GRPCInferenceService/TraceSetting"] = Readers,
        ["inference.GRPCInferenceService/LogSettings"] = Readers,
    };

    private const string Lookers = "viewer operator auditor audit-officer compliance-officer admin";
    private const string Readers = Lookers + " service | routing";

    [Fact]
    public async Task EveryRpc_EveryRoleRegionAndService_IsLetInExactlyAsWritten()
    {
        await using TestWorld world = await TestWorld.StartAsync(
            ["eu-west"], absent: ["us-east"], settings: new() { ["Lepton:Reflection"] = "true" });
        TestRouter router = world["eu-west"];
        world.Installation.SignAccess(AccessWalk.Document());
        router.Services.GetRequiredService<AccessFile>().LookAgain();
        string[] paths = [.. router.Services.GetRequiredService<OfferedServices>().Services
            .SelectMany(s => s.Methods).Select(m => $"{m.Service.FullName}/{m.Name}")];

        AccessWalk walk = new(world.Installation, router.Url, Expected, "routing", "inference", "cost", "keda");
        Assert.Equal("", await walk.DifferencesAsync(paths));
    }

    [Theory]
    [InlineData("other", "viewer", false, false)] // another tenant's decisions are not there for it
    [InlineData("other", "auditor", true, true)]
    [InlineData("demo", "viewer", false, true)]
    public async Task ExplainDecision_TenantAndRole_SeesItsOwnOrAllWhereAssigned(
        string tenant, string role, bool allTenants, bool seen)
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"]);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        using var call = world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        await call;
        string id = call.GetTrailers().GetValue("x-lepton-decision-id")!;
        world.Installation.SignAccess($$"""
            { "version": 2, "tenants": {}, "assignments": [{ "tenant": "{{tenant}}", "role": "{{role}}",
              "regions": ["eu-west"], "allTenants": {{(allTenants ? "true" : "false")}} }] }
            """);
        world["eu-west"].Services.GetRequiredService<AccessFile>().LookAgain();
        using var channel = world.Installation.Channel(world["eu-west"].Url, world.Installation.Tenant(tenant));

        StatusCode status = await StatusAsync(async () => await new V1.RoutingService.RoutingServiceClient(channel)
            .ExplainDecisionAsync(new() { DecisionId = id }));

        Assert.Equal(seen ? StatusCode.OK : StatusCode.NotFound, status);
    }

    private static async Task<StatusCode> StatusAsync(Func<Task> call)
    {
        try
        {
            await call();
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }
}
