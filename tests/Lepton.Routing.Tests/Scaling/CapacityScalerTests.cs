using System.Collections.Concurrent;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client.Audit;
using Lepton.Compliance.V1;
using Lepton.Routing.Scaling.Guard;
using Lepton.Routing.Scaling.Providers;
using Lepton.Routing.Tests.World;
using Lepton.Routing.V1;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Routing.Tests.Scaling;

/// <summary>E1, E4: a real router with real nodes; only the provider is the test's.</summary>
public sealed class CapacityScalerTests
{
    private readonly RecordingProvider _provider = new();
    private readonly SwitchedGuard _guard = new();
    private readonly AuditList _audit = new();

    [Fact]
    public async Task ScaleIn_CallUnderWay_NodeIsStoppedWhenItHasEndedAndNoCallFails()
    {
        await using TestWorld world = await StartAsync(nodesMin: 1);
        await world.AddNodeAsync("eu-west", "node-a", "ocr");
        TaskCompletionSource gate = new();
        bool[] endedFirst = [false];
        _provider.Ours = _ => false;
        FakeNode standby = await world.AddNodeAsync("eu-west", "node-b", "ocr");
        standby.Infer = async (request, _) =>
        {
            await gate.Task;
            return new() { ModelName = request.ModelName, ModelVersion = "1", Id = request.Id };
        };
        // Until one of them waits at the standby node.
        List<Task> calls = [];
        while (standby.Asked == 0)
        {
            calls.Add(world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr")).ResponseAsync);
            await Task.WhenAny(calls[^1], Task.Delay(20));
        }
        _provider.Stopping = _ => endedFirst[0] = gate.Task.IsCompleted;
        _provider.Ours = node => node == "node-b";

        await world["eu-west"].UntilAsync(
            s => s.Nodes.Single(n => n.Id == "node-b").State == NodeState.Draining, "the standby node drains");
        for (int i = 0; i < 20; i++)
            await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
        Assert.Empty(_provider.Stopped);
        gate.SetResult();
        await world["eu-west"].UntilAsync(_ => !_provider.Stopped.IsEmpty, "the standby node is stopped");

        await Task.WhenAll(calls);
        Assert.True(endedFirst[0]);
        Assert.Equal("node-b", Assert.Single(_provider.Stopped));
        Assert.Contains(_audit.Events, e => e.Action == "scaling.in" && e.Resource == "nodes/node-b");
    }

    [Fact]
    public async Task ScaleOut_QueueOverTheBound_IsUrgentAndNoGuardHoldsIt()
    {
        await using TestWorld world = await StartAsync(nodesMin: 1);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", r => Fill(r, queued: 100), "ocr");
        _guard.IsOn = true;
        int started = 0;
        _provider.Grow = async nodes =>
        {
            // Nodes are slow to start; a second asking meanwhile must not start more.
            if (Interlocked.Increment(ref started) > 1)
                return 0;
            for (int i = 1; i < nodes; i++)
                await world.AddNodeAsync("eu-west", $"node-{i}", "ocr");
            Fill(node.Report, queued: 0);
            return nodes - 1;
        };

        await world["eu-west"].UntilAsync(s => s.Nodes.Count(n => n.MayServe) > 1, "nodes were started");
        await world["eu-west"].UntilAsync(_ => _audit.Events.Any(e => e.Action == "scaling.out"
            && e.Details["urgent"] == "true" && e.Outcome == AuditOutcome.Succeeded), "it is in the audit log");

        Assert.DoesNotContain(_audit.Events, e => e.Outcome == AuditOutcome.Denied);
        await world["eu-west"].Client.ModelInferAsync(TestWorld.Ask("ocr"));
    }

    [Fact]
    public async Task ScaleOut_NotUrgentAndGuardOn_IsRefusedUntilItIsOff()
    {
        await using TestWorld world = await StartAsync(nodesMin: 1);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        _guard.IsOn = true;
        node.Report.Load.CpuUtilization = 1; // over 80 %, and nobody waits

        PoolScaling pool = await ScalingAsync(world, p => p.Held.Length > 0);

        Assert.Equal((1u, 2u, false), (pool.CurrentNodes, pool.DesiredNodes, pool.Urgent));
        Assert.StartsWith("BUDGET_GUARD_ON", pool.Held, StringComparison.Ordinal);
        Assert.DoesNotContain(2, _provider.Grown); // one was asked for while there was none
        AuditEvent refused = Assert.Single(_audit.Events, e => e.Outcome == AuditOutcome.Denied);
        Assert.Equal(("scaling.out", "BUDGET_GUARD_ON", "pools/core"),
            (refused.Action, refused.Reason, refused.Resource));

        _guard.IsOn = false;
        await world["eu-west"].UntilAsync(_ => _provider.Grown.Contains(2), "the pool grows to two");
    }

    [Fact]
    public async Task ScaleIn_NeedIsBack_DrainingNodeServesAgain()
    {
        await using TestWorld world = await StartAsync(nodesMin: 1);
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", r => r.Load.InFlight = 1, "ocr");
        FakeNode standby = await world.AddNodeAsync("eu-west", "node-b", r => r.Load.InFlight = 1, "ocr");
        await world["eu-west"].UntilAsync(
            s => s.Nodes.Any(n => n.State == NodeState.Draining), "one of the two drains");
        FakeNode stays = standby.Report.State == NodeState.Draining ? node : standby;

        Fill(stays.Report, queued: 100);

        await world["eu-west"].UntilAsync(s => s.Nodes.Count(n => n.State == NodeState.Serving) == 2, "both serve");
    }

    [Fact]
    public async Task ScaleOut_NoNodeIsThere_StartsTheFewest()
    {
        await using TestWorld world = await StartAsync(nodesMin: 2);
        _guard.IsOn = true;

        await world["eu-west"].UntilAsync(_ => _provider.Grown.Contains(2), "two are asked for");
    }

    private static void Fill(NodeReport report, uint queued)
    {
        report.Models[0].ServiceTime = Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        report.Models[0].QueueMax = 1000;
        report.Models[0].Queued = queued;
    }

    private Task<TestWorld> StartAsync(int nodesMin) => TestWorld.StartAsync(["eu-west"], settings: new()
    {
        ["Routing:Scaling:Enabled"] = "true",
        ["Routing:Scaling:Interval"] = "00:00:00.05",
        ["Routing:Scaling:SettleTime"] = "00:00:00",
        ["Routing:Scaling:Period"] = "00:00:00.1",
        ["Routing:Scaling:DownWindow"] = "00:00:00",
        ["Routing:Scaling:Pools:0:Tier"] = "core",
        ["Routing:Scaling:Pools:0:Provider"] = "aspire",
        ["Routing:Scaling:Pools:0:NodesMin"] = $"{nodesMin}",
        ["Routing:Scaling:Pools:0:NodesMax"] = "4",
        ["Routing:Scaling:Aspire:Url"] = "https://127.0.0.1:9",
        ["Routing:Scaling:Aspire:KeyFile"] = "not-read",
        ["Routing:Scaling:Aspire:Standby:0:Resource"] = "node-b",
    }, change: services => services
        .AddSingleton<ICapacityProvider>(_provider)
        .AddSingleton<IBudgetGuard>(_guard)
        .AddSingleton<IAuditLog>(_audit));

    private static async Task<PoolScaling> ScalingAsync(TestWorld world, Func<PoolScaling, bool> wanted)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (true)
        {
            GetScalingResponse response = await world["eu-west"].Routing.GetScalingAsync(
                new(), cancellationToken: patience.Token);
            if (response.Pools.Single() is var pool && wanted(pool))
                return pool;
            await Task.Delay(20, patience.Token);
        }
    }

    private sealed class SwitchedGuard : IBudgetGuard
    {
        public bool IsOn { get; set; }

        public GuardVerdict Ask(in ScaleOutRequest request) => IsOn && !request.Urgent
            ? new GuardVerdict(false, "BUDGET_GUARD_ON", "96 % of the month's budget are spent.")
            : GuardVerdict.Yes;
    }

    private sealed class AuditList : IAuditLog
    {
        public ConcurrentQueue<AuditEvent> Events { get; } = [];

        public ValueTask WriteAsync(AuditEvent auditEvent, CancellationToken cancellationToken)
        {
            Report(auditEvent);
            return ValueTask.CompletedTask;
        }

        public void Report(AuditEvent auditEvent) => Events.Enqueue(auditEvent);
    }
}
