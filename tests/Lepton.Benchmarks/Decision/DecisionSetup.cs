using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client;
using Lepton.Routing;
using Lepton.Routing.Admission;
using Lepton.Routing.Balancing;
using Lepton.Routing.Health;
using Lepton.Routing.Registry;
using Lepton.Routing.V1;
using Microsoft.Extensions.Options;
using Candidate = Lepton.Routing.Balancing.Candidate;

namespace Lepton.Benchmarks.Decision;

/// <summary>
/// N nodes of the own region behind a snapshot, and the same N as a plain list. A tenth is full, a tenth lacks the
/// model (when there are that many), and another region that the class doesn't allow has the model too.
/// </summary>
internal sealed class DecisionSetup
{
    private const string Policy = """
        {
          "version": 1,
          "dataClasses": {
            "public": { "regions": ["*"] },
            "eu-personal": { "regions": ["eu-west"], "regulated": true }
          },
          "tenants": { "demo": { "floor": "public" } },
          "models": { "default": { "floor": "public" } }
        }
        """;

    private readonly ResidencyPolicy _policy = ResidencyPolicy.Parse(Encoding.UTF8.GetBytes(Policy),
        ["eu-west", "us-east"]);
    private readonly RegistrySnapshot _snapshot;
    private readonly LinqPicker _linq;
    private readonly ChanceSource _chance;
    private readonly GuardedStrategy _strategy = new();
    private readonly int _nodes;

    public DecisionSetup(int nodes, ulong seed)
    {
        _nodes = nodes;
        _chance = new ChanceSource(seed);
        Random random = new((int)(seed & int.MaxValue));
        Topology topology = new("eu-west",
        [
            new() { Name = "eu-west", Url = new Uri("https://eu-west") },
                new() { Name = "us-east", Url = new Uri("https://us-east") },
        ], _policy);
        NodeView[] views = [.. Enumerable.Range(0,
            nodes).Select(i => Node(i, random, without: nodes >= 10 && i % 10 == 5))];
        _snapshot = new RegistrySnapshot(1, topology, views, [], new());
        _linq = new LinqPicker(
            [
                .. views.Select(v => new LinqPicker.Entry(v.Id, "eu-west", v.Models[0].Name,
                    v.State == NodeState.Serving,
                    v.Models[0].ServiceSeconds, v.RoundTripSeconds, v.LoadPercent, v.Models[0].Slots,
                        v.Models[0].QueueMax, new Lane())),
            ]);
        // Full ones, and others at work as nodes are: had all nothing to do, the first looked at would be the one.
        for (int i = 0; i < nodes; i++)
        {
            ServedModel model = views[i].Models[0];
            Fill(model.Lane, _linq.Entries[i].Lane,
                IsFull(i) ? model.Slots + model.QueueMax : random.Next(model.Slots + 1));
        }
    }

    public void PickGuarded()
    {
        // As the gateway does it: class by the policy, view by model and mask, pick and book.
        if (_policy.Decide("demo", "ocr", "eu-personal") is not ResidencyVerdict.Known { Class: var allowed })
            throw new InvalidOperationException("the policy must know the class");
        CandidateView view = _snapshot.Find(new ViewKey("ocr", "", allowed.Set, OwnOnly: false));
        PickContext context = new(_chance.Next(), 0);
        Candidate picked = Balancer.Pick(view, _strategy, ref context, book: true, out _)
            ?? throw new InvalidOperationException("somebody must be free");
        picked.Lane.Release(Outcome.Good);
    }

    public void PickLinq() => _linq.Pick("ocr", ["eu-west"]).Lane.Release(Outcome.Good);

    /// <summary>
    /// Both pick the same node, which has the model and room; the comparison would mean nothing otherwise.
    /// </summary>
    public void CheckAgreement()
    {
        HashSet<string> free = [.. Enumerable.Range(0, _nodes).Where(i => !IsFull(i) && !Lacks(i)).Select(Name)];
        if (_policy.Decide("demo", "ocr", "eu-personal") is not ResidencyVerdict.Known { Class: var allowed })
            throw new InvalidOperationException("the policy must know the class");
        CandidateView view = _snapshot.Find(new ViewKey("ocr", "", allowed.Set, OwnOnly: false));
        for (int i = 0; i < 1000; i++)
        {
            PickContext context = new(_chance.Next(), 0);
            Candidate? guarded = Balancer.Pick(view, _strategy, ref context, book: false, out _);
            LinqPicker.Entry linq = _linq.Pick("ocr", ["eu-west"]);
            linq.Lane.Release(Outcome.Good);
            if (guarded?.Node != linq.Id || !free.Contains(linq.Id))
                throw new InvalidOperationException($"picked {guarded?.Node} and {linq.Id}: not one and the same free");
        }
    }

    private bool IsFull(int i) => _nodes >= 10 ? i % 10 == 0 : i == 0;

    private bool Lacks(int i) => _nodes >= 10 && i % 10 == 5;

    private static void Fill(Lane a, Lane b, int requests)
    {
        for (int i = 0; i < requests; i++)
            if (!a.TryReserve(int.MaxValue) || !b.TryReserve(int.MaxValue))
                throw new InvalidOperationException("a lane without a bound must take every booking");
    }

    private static string Name(int i) => i.ToString("node-0000", CultureInfo.InvariantCulture);

    // As the product's lanes have it; it does not bind.
    private static PlaceLimit Unlearned() => new(new LimitOptions(), TimeProvider.System,
        new PauseWatch(Options.Create(new RoutingOptions()), TimeProvider.System));

    private static NodeView Node(int i, Random random, bool without)
    {
        double service = 0.005 + (random.NextDouble() * 0.05);
        NodeReport report = new()
        {
            Node = Name(i), Region = "eu-west", Zone = "a", Url = $"https://{Name(i)}", State = NodeState.Serving,
            StartTime = new Timestamp(),
        };
        ServedModel model = new(without ? "other" : "ocr", "1", true, Slots: 4, QueueMax: 16, Queued: 0, InFlight: 0,
            service, "cpu", new Lane(limit: Unlearned()));
        return new NodeView(report.Node, "a", new Uri(report.Url), NodeState.Serving, report, default,
            random.NextDouble() * 0.001, random.NextDouble() * 90, [model]);
    }
}
