using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Storage;
using Lepton.Testing;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Homes;

/// <summary>A home and its successor never speak for one slot at once.</summary>
public sealed class HomeLeaseTests
{
    private static readonly SyncNode[] Nodes =
    [
        new(new NodeId(0), "eu-west", "a", 100), new(new NodeId(1), "eu-west", "b", 100),
    ];

    private readonly MovableTime _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly TestSource _source = new(Map(1, 1, 0, 1), Nodes[0]);
    private readonly TestPeers _peers = new();
    private readonly PeerWatch _watch;
    private readonly HomeLease _lease;

    public HomeLeaseTests()
    {
        IOptions<HomeOptions> options = Options.Create(new HomeOptions());
        _watch = new PeerWatch(_source, _peers, () => new NoProgress(), new HomePromises(_time), options, _time);
        _lease = new HomeLease(_source, _watch, options, _time);
        _source.ConfirmedAt = _time.GetTimestamp();
    }

    [Fact]
    public void Holds_StoreConfirmedLately_UntilTheLeaseIsOver()
    {
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.True(Holds());

        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.False(Holds());
    }

    [Fact]
    public async Task Holds_StoreGone_AsLongAsAReplicaVouches()
    {
        _time.Advance(TimeSpan.FromSeconds(60));
        _peers.Word = new PeerWord(1, Vouches: true, []);
        await _watch.AskNowAsync(Nodes[1], null, CancellationToken.None);
        Assert.True(Holds());

        _time.Advance(TimeSpan.FromSeconds(10.1));
        Assert.False(Holds());
    }

    [Fact]
    public async Task Holds_AnswerThatWasLongUnderWay_CountsFromTheQuestion()
    {
        _time.Advance(TimeSpan.FromSeconds(60));
        _peers.Word = new PeerWord(1, Vouches: true, []);
        _peers.Answering = () => _time.Advance(TimeSpan.FromSeconds(11));
        await _watch.AskNowAsync(Nodes[1], null, CancellationToken.None);

        Assert.False(Holds());
    }

    [Fact]
    public async Task Holds_ReplicaPromisedAnother_DoesNotVouch()
    {
        _time.Advance(TimeSpan.FromSeconds(60));
        _peers.Word = new PeerWord(1, Vouches: false, []);
        await _watch.AskNowAsync(Nodes[1], null, CancellationToken.None);

        Assert.False(Holds());
    }

    [Fact]
    public void Holds_OnlyReplica_NeedsNobody()
    {
        _source.Change(Map(2, 1, 0));
        _time.Advance(TimeSpan.FromDays(1));

        Assert.True(Holds());
    }

    [Fact]
    public void Holds_Successor_OnlyAfterTheOldHomesLeaseIsOver()
    {
        _source.Change(Map(2, 2, 1, 0)); // the other's first, so that this one has something to take over
        _source.Change(Map(3, 3, 0, 1));
        _time.Advance(TimeSpan.FromSeconds(14));
        _source.ConfirmedAt = _time.GetTimestamp();
        Assert.False(Holds());

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(Holds());
    }

    [Fact]
    public void Holds_NotTheHome_IsFalse()
    {
        _source.Change(Map(2, 2, 1, 0));

        Assert.False(Holds());
    }

    [Fact]
    public async Task AnswerAsync_StartedLately_VouchesForNobodyUntilAForgottenPromiseWouldBeOver()
    {
        Assert.False((await _watch.AnswerAsync(Nodes[1], 1, null, CancellationToken.None)).Vouches);
        _source.Change(Map(2, 1, 0, 1)); // what was promised was for the map before
        Assert.True((await _watch.AnswerAsync(Nodes[1], 2, null, CancellationToken.None)).Vouches);
    }

    [Fact]
    public async Task AnswerAsync_AfterAPromise_VouchesAgainOnceTheMapChanged()
    {
        _time.Advance(_watch.PromiseTime);
        Assert.True((await _watch.AnswerAsync(Nodes[1], 1, null, CancellationToken.None)).Vouches);
        _watch.Promise(Nodes[1]);
        Assert.False((await _watch.AnswerAsync(Nodes[1], 1, null, CancellationToken.None)).Vouches);

        _source.Change(Map(2, 2, 1, 0));
        Assert.False((await _watch.AnswerAsync(Nodes[1], 1, null, CancellationToken.None)).Vouches);
        Assert.True((await _watch.AnswerAsync(Nodes[1], 2, null, CancellationToken.None)).Vouches);
    }

    private bool Holds() => _lease.Holds(_source.Current, _source.Current.Classes[0], new SlotId(7));

    private static Topology Map(long epoch, long term, params short[] replicas)
    {
        NodeId[][] lists = [.. Enumerable.Repeat(replicas.Select(r => new NodeId(r)).ToArray(), SlotId.Count)];
        return new Topology(
            epoch,
            [new RecordClass(new ClassId(0), "public", "public", ["eu-west"], 1, 2, null, KeyForm.Clear)],
            Nodes, [new SlotMap(lists, [.. Enumerable.Repeat(term, SlotId.Count)])]);
    }

    private sealed class TestSource(Topology first, SyncNode self) : ITopologySource
    {
        public Topology Current { get; private set; } = first;

        public SyncNode Self => self;

        public long? ConfirmedAt { get; set; }

        public event Action<Topology>? Changed;

        public Task RefreshAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Change(Topology next)
        {
            Topology before = Current;
            Current = next;
            Changed?.Invoke(before);
        }
    }

    private sealed class TestPeers : IPeers
    {
        public PeerWord? Word { get; set; }

        public Action Answering { get; set; } = () => { };

        public Task<PeerWord?> AskAsync(
            SyncNode node, long epoch, SyncNode? noMoreFor, CancellationToken cancellationToken)
        {
            Answering();
            return Task.FromResult(Word);
        }

        public Task<IReadOnlyList<WriteReply>> WriteAsync(
            SyncNode home, long epoch, IReadOnlyList<WriteCommand> commands, LevelWish level,
            CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<ReadReply> ReadAsync(
            SyncNode home, long epoch, IReadOnlyList<RecordAddress> addresses, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public Task<ReadReply> ScanAsync(
            SyncNode node, long epoch, ScanRange range, int limit, bool home, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    private sealed class NoProgress : IReplicaSight
    {
        public TimeSpan? StalenessOf(NodeId home) => null;

        public Task<SourceProgress?> ProgressOfAsync(NodeId home, CancellationToken cancellationToken) =>
            Task.FromResult<SourceProgress?>(null);
    }
}
