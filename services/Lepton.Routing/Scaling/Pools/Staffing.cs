namespace Lepton.Routing.Scaling.Pools;

/// <summary>What one model needs of a pool.</summary>
/// <param name="Load">Executions under way on average (offered load, erlangs).</param>
/// <param name="Queued">Executions that wait.</param>
/// <param name="ServiceSeconds">Mean time of one, above 0.</param>
/// <param name="SlotsPerNode">At least 1.</param>
internal readonly record struct Demand(double Load, double Queued, double ServiceSeconds, int SlotsPerNode);

/// <summary>What a pool shall keep.</summary>
/// <param name="Seconds">The 99th percentile of the time from arrival to answer.</param>
/// <param name="TailFactor">How much longer than the mean the 99th percentile of an execution is, at least 1.</param>
/// <param name="DrainSeconds">What waits shall be gone within this.</param>
internal readonly record struct Objective(double Seconds, double TailFactor, double DrainSeconds);

/// <summary>
/// How many nodes keep the objective, by the M/M/c queue (Erlang 1917; the recursion of its B formula): beyond a fixed
/// share of use, large pools are allowed to be fuller than small ones, at the same wait.
/// </summary>
internal static class Staffing
{
    private const double Late = 0.01; // of the 99th percentile

    /// <summary>The 99th percentile in seconds of a new request's time here; infinite: more comes than goes.</summary>
    public static double P99Seconds(in Demand demand, int nodes, double tailFactor)
    {
        double slots = (double)nodes * demand.SlotsPerNode;
        double execution = demand.ServiceSeconds * tailFactor;
        if (slots <= demand.Load || slots == 0)
            return demand.Load == 0 && demand.Queued == 0 ? execution : double.PositiveInfinity;
        // P(wait > t) = C e^(-(c - a) t / S)
        double waits = WaitProbability(demand.Load, (int)slots);
        double wait = waits <= Late
            ? 0
            : Math.Log(waits / Late) * demand.ServiceSeconds / (slots - demand.Load);
        return execution + Math.Max(wait, demand.Queued * demand.ServiceSeconds / slots);
    }

    /// <summary>The fewest nodes that keep the objective, as far as nodes can: at most
    /// <paramref name="most"/>.</summary>
    public static int Nodes(in Demand demand, in Objective objective, int most)
    {
        if (demand.Load <= 0 && demand.Queued <= 0)
            return 0;
        double drained = demand.Load + (demand.Queued * demand.ServiceSeconds / objective.DrainSeconds);
        int least = Math.Max(1, (int)Math.Ceiling(drained / demand.SlotsPerNode));
        Demand steady = demand with { Queued = 0 };
        // An objective below what an execution takes cannot be kept by nodes: then nobody shall wait for long.
        double bound = Math.Max(objective.Seconds, demand.ServiceSeconds * (objective.TailFactor + 0.5));
        for (int nodes = least; nodes < most; nodes++)
            if (P99Seconds(steady, nodes, objective.TailFactor) <= bound)
                return nodes;
        return most;
    }

    // Erlang C from Erlang B, which is reckoned from one slot up.
    private static double WaitProbability(double load, int slots)
    {
        double blocked = 1;
        for (int c = 1; c <= slots; c++)
            blocked = load * blocked / (c + (load * blocked));
        return slots * blocked / (slots - (load * (1 - blocked)));
    }
}
