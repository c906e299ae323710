using System.Diagnostics.Metrics;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Replication.Receiver;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lepton.Simulation.Sync.Cluster;

/// <summary>Something was wrong in a simulation.</summary>
internal sealed class SimulationViolationException(string message) : Exception(message);

/// <summary>
/// Whole nodes of Sync on one simulated machine: clients write and read, everything fails that can, then it heals, and
/// what must hold is looked at. The same seed, the same run.
/// </summary>
internal sealed class SimulatedCluster : IDisposable
{
    private static readonly TimeSpan Faulty = TimeSpan.FromSeconds(40), HealMax = TimeSpan.FromMinutes(10);

    private readonly Dictionary<string, SimulatedKey> _byStoredKey;
    private readonly RunMeters _meters = new();
    private readonly bool _isVerbose;

    public SimulatedCluster(int seed, SimulatedFaults faults, bool isVerbose = false)
    {
        (Seed, Faults, _isVerbose, Random) = (seed, faults, isVerbose, new Random(seed));
        Machine = new SimulatedMachine(new Random(seed + 1), new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero));
        Watch = new ClusterWatch(this);
        Keys =
        [
            .. Enumerable.Range(0, 3).Select(i => new SimulatedKey(SyncWorld.Open, $"o{i}{Random.Next(1000)}", null)),
            .. Enumerable.Range(0, 3).Select(i => new SimulatedKey(SyncWorld.Shared, $"s{i}{Random.Next(1000)}", null)),
            .. Enumerable.Range(0, 2).Select(i => new SimulatedKey(SyncWorld.EuOnly, $"e{i}{Random.Next(1000)}", null)),
            .. Enumerable.Range(0, 2).Select(
                i => new SimulatedKey(SyncWorld.Shared, $"p{i}{Random.Next(1000)}", $"person-{i}")),
            new SimulatedKey(SyncWorld.EuOnly, $"p{Random.Next(1000)}", "person-0"),
        ];
        _byStoredKey = Keys.ToDictionary(k => $"{k.Class.Value}/{Convert.ToHexString(SyncWorld.StoredKey(k).Span)}");
        Store = new SimulatedTopologyStore(Machine, Random, SyncWorld.Map(Keys)) { Changed = Watch.Changed };
        Nodes = [.. Store.Current.Nodes.Select(n => new SimulatedSyncNode(this, n))];
        Network = new SimulatedNetwork(Machine, Random, Nodes.Count);
        Checks = new ClusterChecks(this);
    }

    public int Seed { get; }

    public SimulatedFaults Faults { get; }

    public Random Random { get; }

    public SimulatedMachine Machine { get; }

    public SimulatedNetwork Network { get; }

    public SimulatedTopologyStore Store { get; }

    public IReadOnlyList<SimulatedSyncNode> Nodes { get; }

    public IReadOnlyList<SimulatedKey> Keys { get; }

    public ClusterWatch Watch { get; }

    public ClusterChecks Checks { get; }

    public IMeterFactory Meters => _meters;

    /// <summary>The operator of the promotion that is under way takes it that writes are lost.</summary>
    public bool IsLossAccepted { get; set; }

    /// <summary>Orders that were answered: id, subject, when they were given.</summary>
    public List<(Guid Id, string Subject, TimeSpan Began)> Erasures { get; } = [];

    /// <summary>Runs a seed, and again with everything said if something was wrong.</summary>
    /// <returns>A text that is the same for the same run.</returns>
    /// <exception cref="SimulationViolationException">What must never be was.</exception>
    public static string Run(int seed, SimulatedFaults? faults = null)
    {
        try
        {
            using SimulatedCluster cluster = new(seed, faults ?? SimulatedFaults.None);
            return cluster.Run();
        }
        catch (SimulationViolationException)
            when (Environment.GetEnvironmentVariable("LEPTON_SEED") is { Length: > 0 })
        {
            using SimulatedCluster again = new(seed, faults ?? SimulatedFaults.None, isVerbose: true);
            again.Run();
            throw new SimulationViolationException($"Seed {seed} is wrong once and right once.");
        }
    }

    public SimulatedKey? FindKey(StoredRecord record) =>
        _byStoredKey.GetValueOrDefault($"{record.Class.Value}/{Convert.ToHexString(record.Key.Span)}");

    public ITopologyStore StoreFor(SimulatedSyncNode node) => Store.For(node);

    public ILoggerFactory LoggersOf(SimulatedSyncNode node) =>
        _isVerbose ? new RunLoggers(this, node.Node.Name) : NullLoggerFactory.Instance;

    public void Dispose() => _meters.Dispose();

    private string Run()
    {
        Machine.Stepped = () =>
        {
            if (Watch.Violation is { } violation)
                throw Violation(violation);
        };
        try
        {
            Machine.Run(LiveAsync, TimeSpan.FromMinutes(20));
        }
        catch (TimeoutException e)
        {
            throw Violation($"nothing goes on: {e.Message}");
        }
        return $"{Machine.Steps} steps, {Machine.Elapsed}\n" + string.Join('\n', Watch.Operations);
    }

    private async Task LiveAsync()
    {
        if (Random.Next(6) > 0)
            BeginInPeace();
        foreach (var node in Nodes)
            node.Start();
        ClusterClients clients = new(this);
        ClusterNemesis nemesis = new(this);
        using CancellationTokenSource over = new();
        var working = Enumerable.Range(0, 4).Select(_ => clients.WorkAsync(over.Token)).ToList();
        await nemesis.RageAsync(Faulty);
        over.Cancel();
        await Task.WhenAll(working);
        await nemesis.HealAsync();
        await UntilAsync("the replicas are whole and the same", () => IsWhole() && Checks.Same() is null,
            () => Checks.Same() ?? "slots are not whole");
        await UntilAsync("erasures are finished", () => Checks.Unfinished() is null, () => Checks.Unfinished() ?? "");
        foreach (var key in Keys)
            await clients.ReadLastAsync(key, HealMax);
        foreach (var check in (IEnumerable<Func<string?>>)[
            Checks.Accounted, Checks.Linearizable, Checks.Same, Checks.Erased])
            if (check() is { } wrong)
                Watch.Fail(wrong);
    }

    /// <summary>As after a long time without faults: every slot is whole everywhere, streams go on where they were.
    /// </summary>
    public void BeginInPeace()
    {
        foreach (var recordClass in Store.Current.Classes)
        {
            var map = Store.Current.MapOf(recordClass.Id);
            for (short i = 0; i < SlotId.Count; i++)
                foreach (var replica in map.Replicas(new SlotId(i)))
                    Nodes[replica.Value].Database.SetWhole(
                        new SlotOrigin(recordClass.Id, new SlotId(i), map.Home(new SlotId(i)), 1));
        }
        foreach (var node in Nodes)
            foreach (var source in Nodes.Where(n => n != node))
                node.Database.Rows.Apply(new Lepton.Sync.Storage.SourceProgress(
                    source.Node.Id, source.Database.Timeline, SimulatedDatabase.FirstPosition), []);
    }

    private bool IsWhole() => Nodes.Where(n => !n.IsLost).All(n => n.Parts is { } parts
        && Nodes.Where(s => !s.IsLost && s != n).All(s => parts.Slots.LeftOf(s.Node.Id) == 0));

    private async Task UntilAsync(string what, Func<bool> isSo, Func<string> why)
    {
        var until = Machine.Elapsed + HealMax;
        while (!isSo())
        {
            if (Machine.Elapsed > until)
            {
                Watch.Fail($"not within {HealMax} after healing: {what}: {why()}");
                return;
            }
            await Task.Delay(TimeSpan.FromSeconds(1), Machine.Time);
        }
        Watch.Say($"healed: {what}");
    }

    private SimulationViolationException Violation(string what)
    {
        var about = Keys.Where(k => what.Contains($" {k}", StringComparison.Ordinal)).ToList();
        var operations = Watch.Operations.Where(o => about.Contains(o.Key));
        var kept = about.SelectMany(k => Nodes.Select(n => $"  {k} at {n.Node.Name}: " + string.Join(' ',
            Watch.KeptAt(n.Number, k).Select(r => $"{r.At.TotalSeconds:F3}={r.Version.Term}-{r.Version.Clock:x}"
                + $"(#{Watch.Operations.Find(o => o.RequestId == r.RequestId && r.RequestId != default)?.Number})"))));
        return new SimulationViolationException(
            $"Seed {Seed}: {what}\nReplay with the logs: LEPTON_SEED={Seed} dotnet test tests/Lepton.Simulation.Tests "
            + $"-c Release --filter FullyQualifiedName~ClusterTests\nTime line:\n{string.Join('\n', Watch.Events)}\n"
            + $"History:\n{string.Join('\n', operations)}\nRows:\n{string.Join('\n', kept)}");
    }

    private sealed class RunMeters : IMeterFactory
    {
        private readonly List<Meter> _made = [];

        public Meter Create(MeterOptions options)
        {
            _made.Add(new Meter(options));
            return _made[^1];
        }

        public void Dispose() => _made.ForEach(m => m.Dispose());
    }

    private sealed class RunLoggers(SimulatedCluster cluster, string node) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => cluster.Watch.Say(
                $"{node}: {formatter(state, exception)} {exception?.Message}");

        public void Dispose()
        {
        }
    }
}
