using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;

namespace Lepton.Benchmarks.Policy;

/// <summary>
/// The shipped regimes over 64 regions (C3): a decision by names in the compiled table against walking the list of
/// rules, interleaved in one run over the same random transfers; compiling; and the check before activation, with the
/// invariants over every state.
/// </summary>
internal static class PolicyBench
{
    private const int Regions = 64, Transfers = 1024;

    internal static int Run(string[] args)
    {
        int seed = args is ["--seed", var text] ? int.Parse(text, CultureInfo.InvariantCulture)
            : Environment.TickCount;
        ReadOnlyMemory<byte> json = Wide(PolicyBundle.Load(
            Path.Combine(Bench.Home(), "..", "deploy", "residency.json")));
        string[] world = [.. Enumerable.Range(0, Regions).Select(i => $"region-{i:00}")];
        ResidencyPolicy policy = ResidencyPolicy.Parse(json, world);
        if (policy is not { Law: { } law, Table: { } table })
            throw new InvalidOperationException("deploy/residency.json names no regimes.");
        LawQuery[] asked = Draw(policy, world, new Random(seed));

        int at = 0, other = 0;
        LawState state = law.On(policy.Date);
        Action byTable = () =>
        {
            LawQuery q = asked[at++ & (Transfers - 1)];
            policy.Decide(q.Subject, q.Category, q.Purpose, q.Destination);
        };
        Action byWalk = () =>
        {
            LawQuery q = asked[other++ & (Transfers - 1)];
            string place = law.Regions[q.Destination];
            state.Decide(q with { Destination = place },
                law.InPlace(q.Subject, q.Category, place, policy.Date), policy.Version);
        };
        CheckAgreement(policy, law, state, asked);
        (double decide, double naive) = Paired.Measure(byTable, byWalk);
        double bytes = Paired.BytesOf(byTable), naiveBytes = Paired.BytesOf(byWalk);
        (double compile, _) = Milliseconds(() => policy.On(policy.Date.AddDays(1)));
        (double check, PolicyReport report) = Milliseconds(() => PolicyCheck.Run(policy));

        Console.WriteLine($"policy: {law.Regimes.Count} regimes, {law.Regimes.Sum(r => r.Rules.Count)} rules, "
            + $"{Regions} regions; {table.Subjects.Count} subjects × {Vocabulary.CategoryNames.Count} categories × "
            + $"{Vocabulary.PurposeNames.Count} purposes × {table.Places.Count} places = {table.States} cells; "
            + $"replay: bench policy --seed {seed}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"decide   {decide,10:F1} ns {bytes,6:F0} B     walk {naive,10:F0} ns {naiveBytes,6:F0} B"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"compile  {compile,10:F1} ms              check {check,9:F1} ms: {report.Tests} cases, "
            + $"{report.Invariants} invariants over {report.States} states, {report.Problems.Count} problems"));
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            bench = "policy",
            ratios = new Dictionary<string, double>
            {
                ["decide_ns"] = Math.Round(decide, 1), ["decide_bytes"] = bytes, ["naive_ns"] = Math.Round(naive),
                ["decide_vs_naive"] = Math.Round(decide / naive, 5), ["compile_ms"] = Math.Round(compile, 1),
                ["check_ms"] = Math.Round(check, 1), ["check_states"] = report.States,
            },
        }));
        return report.IsGood ? 0 : 1;
    }

    // 64 regions, in the places that the shipped one names by turns.
    private static ReadOnlyMemory<byte> Wide(ReadOnlyMemory<byte> bundle)
    {
        string[] places = ["US", "EU-IE", "SG", "GB", "CN", "RU", "IN", "SA", "BR", "KR", "JP", "AU", "CA-QC", "CA-ON",
            "CH", "NO"];
        JsonObject policy = JsonNode.Parse(bundle.Span)?.AsObject()
            ?? throw new InvalidOperationException("deploy/residency.json is no object.");
        JsonObject regions = policy["regions"]?.AsObject() ?? [];
        for (int i = 0; i < Regions; i++)
            regions[$"region-{i:00}"] = new JsonObject { ["jurisdiction"] = places[i % places.Length] };
        return Encoding.UTF8.GetBytes(policy.ToJsonString());
    }

    private static LawQuery[] Draw(ResidencyPolicy policy, string[] world, Random random) =>
    [
        .. Enumerable.Range(0, Transfers).Select(_ => new LawQuery(
            policy.Table?.Subjects[random.Next(policy.Table.Subjects.Count)] ?? "",
            Vocabulary.CategoryNames[random.Next(Vocabulary.CategoryNames.Count)],
            (Purpose)random.Next(Vocabulary.PurposeNames.Count), world[random.Next(world.Length)])),
    ];

    private static void CheckAgreement(ResidencyPolicy policy, LawDocument law, LawState state, LawQuery[] asked)
    {
        foreach (LawQuery q in asked)
        {
            string place = law.Regions[q.Destination];
            LawAnswer walked = state.Decide(q with { Destination = place },
                law.InPlace(q.Subject, q.Category, place, policy.Date), policy.Version);
            LawAnswer found = policy.Decide(q.Subject, q.Category, q.Purpose, q.Destination);
            if ((walked.Effect, walked.RuleId) != (found.Effect, found.RuleId))
                throw new InvalidOperationException($"{q}: the table says {found}, the rules {walked}.");
        }
    }

    private static (double Milliseconds, T Last) Milliseconds<T>(Func<T> work)
    {
        List<double> times = [];
        T last = work();
        for (int i = 0; i < 5; i++)
        {
            long start = Stopwatch.GetTimestamp();
            last = work();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return (Paired.Median(times), last);
    }
}
