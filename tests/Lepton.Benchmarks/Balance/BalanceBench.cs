namespace Lepton.Benchmarks.Balance;

/// <summary>The default strategy against R2 and all others: simulated, or with <c>--real</c> measured.</summary>
internal static class BalanceBench
{
    internal static int Run(string[] args)
    {
        if (args is ["--node", var roundTripMilliseconds])
            return Real.SleepNode.Run(roundTripMilliseconds);
        BalanceArguments? arguments = BalanceArguments.Read(args);
        if (arguments is null)
            return 2;
        return arguments.Real
            ? Real.RealBalance.RunAsync(arguments).GetAwaiter().GetResult()
            : SimulatedBalance.Run(arguments);
    }
}

/// <summary>What the bench is told.</summary>
internal sealed record BalanceArguments
{
    /// <summary>Fresh unless given; printed, so that a run can be had again.</summary>
    public int Seed { get; init; }

    /// <summary>Seeds a scenario is run with.</summary>
    public int Worlds { get; init; } = 40;

    /// <summary>Real processes instead of the simulation.</summary>
    public bool Real { get; init; }

    /// <summary>Null: all.</summary>
    public string? Scenario { get; init; }

    public static BalanceArguments? Read(string[] args)
    {
        BalanceArguments read = new() { Seed = (int)(Environment.TickCount64 & 0xFFFFFF) };
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--seed" when int.TryParse(value, out int seed) && seed >= 0:
                    (read, i) = (read with { Seed = seed }, i + 1);
                    break;
                case "--worlds" when int.TryParse(value, out int worlds) && worlds is > 0 and <= 1000:
                    (read, i) = (read with { Worlds = worlds }, i + 1);
                    break;
                case "--real":
                    read = read with { Real = true };
                    break;
                case "--scenario" when value is not null:
                    (read, i) = (read with { Scenario = value }, i + 1);
                    break;
                default:
                    Console.Error.WriteLine("""
                        bench balance [--real] [--seed N] [--worlds N] [--scenario NAME]
                          --real      measured with real routers and nodes that sleep, instead of simulated
                          --seed      0 to 2147483647; fresh each run by default
                          --worlds    1 to 1000 seeds a scenario is simulated with; 40 by default
                          --scenario  one of scenarios.json; all by default
                        """);
                    return null;
            }
        }
        return read;
    }
}
