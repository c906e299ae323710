using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Source;
using Lepton.Sync.Tests.Replication.World;

namespace Lepton.Sync.Tests.Replication;

/// <summary>S3, S4: a write counts as confirmed by exactly those replicas that have committed it.</summary>
public sealed class ConfirmationsTests
{
    private const string Timeline = "t1";
    private static readonly NodeId EuB = new(1);
    private static readonly NodeId UsA = new(2);

    private readonly Maps _maps = new(Maps.Make(5, [0, 1, 2], [0, 1]), new NodeId(0));
    private readonly ReplicationOptions _options = Parts.Options();
    private readonly Confirmations _confirmations;

    public ConfirmationsTests()
    {
        _confirmations = new Confirmations(_maps, _options, Parts.Metrics(), TimeProvider.System);
        _confirmations.Begin(Timeline);
    }

    [Fact]
    public async Task Wait_Local_IsMetAtOnce()
    {
        Confirmation local = await _confirmations.WaitAsync(Write(9), SafetyLevel.Local, 0, default);

        Assert.Equal(ConfirmationState.Met, local.State);
    }

    [Theory]
    [InlineData((int)SafetyLevel.Zone, 0, false)]
    [InlineData((int)SafetyLevel.Any, 1, true)]
    [InlineData((int)SafetyLevel.Each, 0, true)]
    [InlineData((int)SafetyLevel.Default, 0, true)]
    public async Task Wait_Level_IsMetByTheReplicasThatCount(int level, int regions, bool byUs)
    {
        Task<Confirmation> waiting = _confirmations.WaitAsync(Write(9), (SafetyLevel)level, regions, default);
        _confirmations.Captured(9, new LogPosition(50));

        _confirmations.Acknowledged(byUs ? EuB : UsA, Timeline, new LogPosition(50), 5);
        _confirmations.Acknowledged(byUs ? UsA : EuB, Timeline, new LogPosition(49), 5);
        Assert.False(waiting.IsCompleted);
        _confirmations.Acknowledged(byUs ? UsA : EuB, Timeline, new LogPosition(50), 5);

        Confirmation met = await waiting;
        Assert.Equal(ConfirmationState.Met, met.State);
        Assert.True(met.Zone);
        Assert.Equal(["us"], met.Regions);
    }

    [Fact]
    public async Task Wait_LevelBeyondTheReplicas_IsUnreachableAtOnce()
    {
        CommittedWrite euOnly = Write(9) with { Class = new ClassId(Maps.EuOnly) };

        Assert.Equal(ConfirmationState.Unreachable,
            (await _confirmations.WaitAsync(euOnly, SafetyLevel.Any, 1, default)).State);
        Assert.Equal(ConfirmationState.Unreachable,
            (await _confirmations.WaitAsync(Write(9), SafetyLevel.Any, 2, default)).State);
        Assert.False(_confirmations.CanMeet(new ClassId(Maps.EuOnly), new SlotId(0), SafetyLevel.Any, 1));
        Assert.True(_confirmations.CanMeet(new ClassId(Maps.EuOnly), new SlotId(0), SafetyLevel.Default, 0));
        Assert.Equal(ConfirmationState.Met,
            (await _confirmations.WaitAsync(euOnly, SafetyLevel.Each, 0, default)).State);
    }

    [Fact]
    public async Task Wait_Cancelled_AnswersWhatIsConfirmed()
    {
        using CancellationTokenSource stop = new();
        Task<Confirmation> waiting = _confirmations.WaitAsync(Write(9), SafetyLevel.Any, 1, stop.Token);
        _confirmations.Captured(9, new LogPosition(50));
        _confirmations.Acknowledged(EuB, Timeline, new LogPosition(60), 5);

        await stop.CancelAsync();

        Confirmation unmet = await waiting;
        Assert.Equal((ConfirmationState.Unmet, true, 0), (unmet.State, unmet.Zone, unmet.Regions.Count));
    }

    [Fact]
    public async Task Wait_WhatWasAcknowledgedBefore_CountsAtOnce()
    {
        _confirmations.Captured(9, new LogPosition(50));
        _confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 5);

        Assert.Equal(ConfirmationState.Met,
            (await _confirmations.WaitAsync(Write(9), SafetyLevel.Any, 1, default)).State);
    }

    [Fact]
    public async Task Wait_AcknowledgementWhileCopying_DoesNotCount()
    {
        _confirmations.Captured(9, new LogPosition(50));
        Task<Confirmation> waiting = _confirmations.WaitAsync(Write(9), SafetyLevel.Any, 1, default);

        _confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 0);
        _confirmations.Acknowledged(UsA, "t0", new LogPosition(60), 5);
        Assert.False(waiting.IsCompleted);
        Assert.Null(_confirmations.AcknowledgedBy(UsA, new ClassId(0), new SlotId(0)));
        _confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 5);

        Assert.Equal(ConfirmationState.Met, (await waiting).State);
        Assert.Equal(new LogPosition(60), _confirmations.AcknowledgedBy(UsA, new ClassId(0), new SlotId(0)));
    }

    [Fact]
    public async Task Wait_ReplicaThatWasGivenTheSlotLater_CountsOnceItHasItWhole()
    {
        Maps maps = new(Maps.Make(5, [0, 1], [0, 1]), new NodeId(0));
        using Confirmations confirmations = new(maps, _options, Parts.Metrics(), TimeProvider.System);
        confirmations.Begin(Timeline);
        confirmations.Captured(9, new LogPosition(50));
        maps.Set(Maps.Make(6, [0, 1, 2], [0, 1]));
        Task<Confirmation> waiting = confirmations.WaitAsync(Write(9), SafetyLevel.Any, 1, default);

        // By the map of epoch 5 none of the slot's rows concerned it.
        confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 5);
        Assert.False(waiting.IsCompleted);
        confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 6);

        Assert.Equal(ConfirmationState.Met, (await waiting).State);
    }

    [Fact]
    public async Task Wait_AcknowledgementByANewerMap_CountsOnlyWhereWeAreStillHome()
    {
        _confirmations.Captured(9, new LogPosition(50));
        _confirmations.Captured(10, new LogPosition(51));
        Task<Confirmation> lost = _confirmations.WaitAsync(Write(9), SafetyLevel.Any, 1, default);
        Task<Confirmation> kept = _confirmations.WaitAsync(
            Write(10) with { Class = new ClassId(Maps.EuOnly) }, SafetyLevel.Zone, 0, default);

        // Its map says that another is home of class 0: it passed over what we sent.
        _confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 6);
        _confirmations.Acknowledged(EuB, Timeline, new LogPosition(60), 6);
        Assert.False(lost.IsCompleted || kept.IsCompleted);
        _maps.Set(new Topology(6, _maps.Current.Classes, _maps.Current.Nodes,
            [Maps.Map(_ => [1, 2, 0], _ => 6), _maps.Current.MapOf(new ClassId(1))]));

        Assert.Equal(ConfirmationState.HomeLost, (await lost).State);
        Assert.Equal(ConfirmationState.Met, (await kept).State);
    }

    /// <summary>What tombstones wait for: every replica, by the present map, on the present timeline.</summary>
    [Fact]
    public void ConfirmedSlots_EveryReplica_CountsByTheMapOfNow()
    {
        Maps maps = new(Maps.Make(5, [0, 1], [0]), new NodeId(0));
        using Confirmations confirmations = new(maps, _options, Parts.Metrics(), TimeProvider.System);
        confirmations.Begin(Timeline);
        Assert.Equal((0, SlotId.Count), (Count(Maps.Shared), Count(Maps.EuOnly))); // nobody else has the second
        confirmations.Acknowledged(EuB, Timeline, new LogPosition(49), 5);
        Assert.Equal(0, Count(Maps.Shared));
        confirmations.Acknowledged(EuB, Timeline, new LogPosition(50), 5);
        Assert.Equal((SlotId.Count, 0), (Count(Maps.Shared), Count(Maps.Shared, "another")));

        maps.Set(Maps.Make(6, [0, 1, 2], [1, 0], term: 6)); // the third joined later, and the second class is another's
        Assert.Equal((0, 0), (Count(Maps.Shared), Count(Maps.EuOnly)));
        confirmations.Acknowledged(EuB, Timeline, new LogPosition(60), 6);
        confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 5);
        Assert.Equal(0, Count(Maps.Shared)); // it has the slots of the map before
        confirmations.Acknowledged(UsA, Timeline, new LogPosition(60), 6);
        Assert.Equal(SlotId.Count, Count(Maps.Shared));

        int Count(short recordClass, string timeline = Timeline) =>
            confirmations.ConfirmedSlots(new ClassId(recordClass), timeline, new LogPosition(50)).Count;
    }

    [Fact]
    public async Task Wait_MoreThanTheBound_IsOverloaded()
    {
        _options.WaitersMax = 2;
        using CancellationTokenSource stop = new();
        Task<Confirmation>[] waiting =
            [.. Enumerable.Range(1, 2).Select(i => _confirmations.WaitAsync(
                Write((uint)i), SafetyLevel.Zone, 0, stop.Token))];

        Assert.Equal(ConfirmationState.Overloaded,
            (await _confirmations.WaitAsync(Write(3), SafetyLevel.Zone, 0, stop.Token)).State);
        await stop.CancelAsync();
        await Task.WhenAll(waiting);
        Task<Confirmation> again = _confirmations.WaitAsync(Write(4), SafetyLevel.Zone, 0, default);
        Assert.False(again.IsCompleted);
    }

    /// <summary>Against a model: who has acknowledged what is known; every wait ends exactly when it is met.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Property_RandomOrders_EndWaitsExactlyWhenTheyAreMet(int seed)
    {
        Random random = new(seed);
        List<(uint Id, bool Zone, Task<Confirmation> Wait)> waits = [];
        Dictionary<NodeId, ulong> acknowledged = new() { [EuB] = 0, [UsA] = 0 };
        uint captured = 0;
        for (uint id = 1; id < 400;)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    bool zone = random.Next(2) == 0;
                    waits.Add((id, zone, _confirmations.WaitAsync(
                        Write(id), zone ? SafetyLevel.Zone : SafetyLevel.Any, 1, default)));
                    id++;
                    break;
                case 2 when captured < id + 3:
                    _confirmations.Captured(++captured, new LogPosition(captured * 10));
                    break;
                default:
                    NodeId node = random.Next(2) == 0 ? EuB : UsA;
                    acknowledged[node] = Math.Max(
                        acknowledged[node], Math.Min(captured * 10, acknowledged[node] + (ulong)random.Next(25)));
                    _confirmations.Acknowledged(node, Timeline, new LogPosition(acknowledged[node]), 5);
                    break;
            }
            foreach ((uint write, bool zone, Task<Confirmation> wait) in waits)
            {
                bool isDue = write <= captured && acknowledged[zone ? EuB : UsA] >= write * 10;
                if (isDue)
                    Assert.Equal(ConfirmationState.Met, (await wait.WaitAsync(Until.Patience)).State);
                else
                    Assert.False(wait.IsCompleted, $"seed {seed}, write {write}");
            }
        }
    }

    private static CommittedWrite Write(uint transactionId) =>
        new(transactionId, new ClassId(Maps.Shared), new SlotId(3), 1);
}
