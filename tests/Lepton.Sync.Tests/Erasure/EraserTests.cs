using System.Diagnostics.Metrics;
using Lepton.Sync.Erasure;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Tests.Sealing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>S7: an order reaches every node, whatever was on its way, and touches nothing that came after it.</summary>
public sealed class EraserTests : IAsyncLifetime
{
    private static readonly string[] Regions = ["ap-southeast", "eu-west", "us-east"];

    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Dictionary<string, Node> _nodes = [];

    private Node Asia => _nodes["ap-southeast"];

    private Node Europe => _nodes["eu-west"];

    private Node America => _nodes["us-east"];

    public async Task InitializeAsync()
    {
        string? blinding = null;
        foreach (var region in Regions)
        {
            SealingSite site = new(region, blinding);
            blinding ??= site.BlindingKeyFile;
            _nodes[region] = new Node(
                site, await SealingRun.StartAsync(site, topology: new FixedTopology(region, Regions)));
        }
        foreach (var node in _nodes.Values)
            node.Start(new Peers(_nodes), new ErasureMetrics(_meters.GetRequiredService<IMeterFactory>()));
    }

    public Task DisposeAsync()
    {
        foreach (var node in _nodes.Values)
        {
            node.Run.Dispose();
            node.Site.Dispose();
        }
        _meters.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Erase_NodeCutOff_IsPendingAndDoneWhenItIsBackNotBefore()
    {
        var key = await Europe.KeyAsync("ada");
        await America.Run.Keys.AddAsync([key], default);
        America.IsCutOff = true;

        var erasure = await Europe.Eraser.EraseAsync("acme", "ada", default);
        var wait = await Europe.Eraser.DeliverAsync(default);
        erasure = (await Europe.Eraser.FindAsync(erasure.Order.Id, default))!;
        Assert.Equal([true, true, false], erasure.Nodes.Select(erasure.IsDone));
        Assert.InRange(wait, TimeSpan.FromSeconds(0.4), TimeSpan.FromSeconds(1));
        Assert.Equal(KeyState.Live, America.StateOf(key));

        America.IsCutOff = false;
        await Europe.Eraser.DeliverAsync(default); // not yet: it waits
        Assert.Equal(KeyState.Live, America.StateOf(key));
        Europe.Site.Time.Advance(wait);
        await Europe.Eraser.DeliverAsync(default);

        erasure = (await Europe.Eraser.FindAsync(erasure.Order.Id, default))!;
        Assert.True(erasure.IsFinished);
        Assert.Equal([KeyState.Erased, KeyState.Erased], [Europe.StateOf(key), America.StateOf(key)]);
    }

    [Fact]
    public async Task Erase_KeyCopiedMeanwhileFromANodeWhoseClockIsAhead_IsDestroyedEverywhere()
    {
        America.Site.Time.Advance(TimeSpan.FromMinutes(5));
        var ahead = await America.KeyAsync("ada");
        America.IsCutOff = true;
        var erasure = await Europe.Eraser.EraseAsync("acme", "ada", default);
        await Europe.Eraser.DeliverAsync(default);
        // Asia has applied the order, and then gets the key of a node that has not: by its time it looks new.
        await Asia.Run.Keys.AddAsync([ahead], default);
        Assert.Equal(KeyState.Live, Asia.StateOf(ahead));

        America.IsCutOff = false;
        Europe.Site.Time.Advance(TimeSpan.FromMinutes(1));
        for (var rounds = 0; rounds < 5 && !erasure.IsFinished; rounds++)
        {
            await Europe.Eraser.DeliverAsync(default);
            erasure = (await Europe.Eraser.FindAsync(erasure.Order.Id, default))!;
        }

        Assert.True(erasure.IsFinished);
        Assert.Equal([ahead.Id], erasure.Keys);
        Assert.All(_nodes.Values, n => Assert.Equal(KeyState.Erased, n.StateOf(ahead)));
    }

    [Fact]
    public async Task Apply_Repeated_GivesTheSameReceiptAndLeavesWhatCameAfter()
    {
        var old = await Europe.KeyAsync("ada");
        ErasureOrder order = new(Guid.NewGuid(), Europe.Run.Sealer.DigestOf("acme", "ada"),
            Europe.Site.Time.GetUtcNow().AddMinutes(3), "us-east-a"); // by a clock that is ahead
        var first = await Europe.Eraser.ApplyAsync(order, [], default);
        var back = await Europe.KeyAsync("ada");

        var second = await Europe.Eraser.ApplyAsync(order, [], default);

        Assert.Equal(first.Receipt, second.Receipt);
        Assert.Equal([old.Id], second.OwnKeys);
        Assert.Equal(KeyState.Live, Europe.StateOf(back));
        // Others that have applied the order take it too, though it was made before the order's time by the clock here.
        await Asia.Eraser.ApplyAsync(order, [], default);
        await Asia.Run.Keys.AddAsync([back, old], default);
        Assert.Equal([KeyState.Live, KeyState.Erased], [Asia.StateOf(back), Asia.StateOf(old)]);
    }

    [Fact]
    public async Task Erase_WhileTheSubjectIsWritten_LeavesNothingReadableThatWasBefore()
    {
        using CancellationTokenSource stop = new();
        var writers = Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var key = await Europe.KeyAsync("ada");
                try
                {
                    Europe.Records.Put(Europe.Run.Seal(
                        FixedTopology.Blind, $"{w}/{i % 50}", "personal"u8.ToArray(), key));
                }
                catch (KeyErasedException)
                {
                    // as a home does: it asks again
                }
                await Task.Yield();
            }
        })).ToArray();
        List<KeyId> erased = [];
        for (var i = 0; i < 10; i++)
        {
            while (!Europe.Records.Rows.Any(r => r.Kind == RecordKind.Value))
                await Task.Yield();
            erased.AddRange((await Europe.Eraser.EraseAsync("acme", "ada", default)).Keys);
        }
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        Europe.Site.Time.Advance(TimeSpan.FromMinutes(2));
        await Europe.Eraser.DeliverAsync(default);

        Assert.True(erased.Distinct().Count() >= 10);
        Assert.All(erased, id => Assert.Equal(KeyState.Erased, Europe.Run.Keys.Find(id).State));
        // The second look found what was on its way; what is left was written after the last order, and opens.
        Assert.DoesNotContain(Europe.Records.Rows, r => erased.Contains(r.KeyId));
        Assert.All(Europe.Records.Rows.Where(r => r.Kind == RecordKind.Value),
            r => Assert.Equal(OpenState.Opened, Europe.Run.Sealer.Open(r).State));
        Assert.All(Europe.Records.Rows.Where(r => r.Kind == RecordKind.Tombstone),
            r => Assert.Equal(new OpenedRecord(OpenState.Erased, "", "", default), Europe.Run.Sealer.Open(r)));
    }

    [Fact]
    public async Task Deliver_AfterTheDelay_LooksOnceMoreAndNoMore()
    {
        await Europe.KeyAsync("ada");
        await Europe.Eraser.EraseAsync("acme", "ada", default);
        await Europe.Eraser.DeliverAsync(default);
        var before = Europe.Records.Removals;

        Europe.Site.Time.Advance(TimeSpan.FromMinutes(2));
        await Europe.Eraser.DeliverAsync(default);
        await Europe.Eraser.DeliverAsync(default);

        Assert.Equal(before + 1, Europe.Records.Removals);
    }

    [Fact]
    public async Task Erase_TooManyUnfinished_IsRefusedByName()
    {
        (Asia.IsCutOff, America.IsCutOff) = (true, true);
        for (var i = 0; i < 10; i++)
            await Europe.Eraser.EraseAsync("acme", $"s{i}", default);

        var fault = await Assert.ThrowsAsync<TooManyErasuresException>(
            () => Europe.Eraser.EraseAsync("acme", "one more", default));

        Assert.Contains("Sync:Erasure:OpenMax", fault.Message, StringComparison.Ordinal);
    }

    internal sealed class Node(SealingSite site, SealingRun run)
    {
        public SealingSite Site => site;

        public SealingRun Run => run;

        public MemoryRecords Records { get; } = new();

        public Eraser Eraser { get; private set; } = null!;

        public bool IsCutOff { get; set; }

        public void Start(IErasurePeers peers, ErasureMetrics metrics) => Eraser = new Eraser(
            new MemoryErasureLog(), run.Keys, Records, peers, new Unsigned(), run.Sealer, run.Topology, Entropy.System,
            new Random(5), Options.Create(new ErasureOptions { OpenMax = 10 }), metrics, site.Time,
            NullLogger<Eraser>.Instance);

        public Task<DataKey> KeyAsync(string subject) =>
            run.Keys.ForWriteAsync(FixedTopology.Blind, "acme", subject, default).AsTask();

        public KeyState StateOf(DataKey key) => run.Keys.Find(key.Id).State;
    }

    private sealed class Peers(Dictionary<string, Node> nodes) : IErasurePeers
    {
        public async Task<PeerErasure?> ApplyAsync(
            SyncNode node, ErasureOrder order, IReadOnlyList<KeyId> keys, CancellationToken cancellationToken) =>
            nodes[node.Region].IsCutOff
                ? null
                : await nodes[node.Region].Eraser.ApplyAsync(order, keys, cancellationToken);
    }

    private sealed class Unsigned : IReceiptSigner
    {
        public NodeReceipt Sign(
            ErasureOrder order, SyncNode self, DateTimeOffset destroyTime, int keys, long records) =>
            new(self.Name, self.Region, destroyTime, keys, records, "unsigned");
    }
}
