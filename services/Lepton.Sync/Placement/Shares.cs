namespace Lepton.Sync.Placement;

/// <summary>How much falls to each: in proportion to weights, between bounds, and then in whole numbers.</summary>
internal static class Shares
{
    private const int Halvings = 200;
    private const double WholeWithin = 1e-6;

    /// <summary>
    /// Shares in proportion to weights where the bounds let them: clamp(λ w, floor, cap) with the one λ that makes
    /// their sum the total.
    /// </summary>
    /// <param name="total">Between the sums of the floors and of the caps.</param>
    /// <param name="weights">Greater than 0.</param>
    /// <param name="floors">Least shares.</param>
    /// <param name="caps">Greatest shares.</param>
    public static double[] Ideal(double total, double[] weights, double[] floors, double[] caps)
    {
        double low = 0, high = 1;
        while (Sum(high) < total && high < 1e12)
            high *= 2;
        for (var i = 0; i < Halvings; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = Sum(middle) < total ? (middle, high) : (low, middle);
        }
        return [.. weights.Select((_, i) => Share(i, high))];

        double Sum(double level) => weights.Select((_, i) => Share(i, level)).Sum();
        double Share(int i, double level) => Math.Clamp(level * weights[i], floors[i], caps[i]);
    }

    /// <summary>
    /// Whole numbers within 1 of the ideals and with their sum, as near as may be to what there is now: nobody gives
    /// away what is within its share.
    /// </summary>
    public static int[] Quotas(double[] ideals, int[] present, int total)
    {
        var low = new int[ideals.Length];
        var high = new int[ideals.Length];
        for (var i = 0; i < ideals.Length; i++)
        {
            var nearest = Math.Round(ideals[i]);
            var isWhole = Math.Abs(nearest - ideals[i]) < WholeWithin;
            low[i] = (int)(isWhole ? nearest : Math.Floor(ideals[i]));
            high[i] = (int)(isWhole ? nearest : Math.Ceiling(ideals[i]));
        }
        int[] quotas = [.. present.Select((p, i) => Math.Clamp(p, low[i], high[i]))];
        var all = Enumerable.Range(0, quotas.Length);
        var excess = quotas.Sum() - total;
        foreach (var i in all.Where(i => quotas[i] > low[i])
            .OrderByDescending(i => quotas[i] - ideals[i]).ThenBy(i => i).Take(Math.Max(excess, 0)).ToArray())
            quotas[i]--;
        foreach (var i in all.Where(i => quotas[i] < high[i])
            .OrderByDescending(i => ideals[i] - quotas[i]).ThenBy(i => i).Take(Math.Max(-excess, 0)).ToArray())
            quotas[i]++;
        return quotas;
    }
}
