using System.Globalization;

namespace Lepton.Benchmarks.Gateway;

/// <summary>Who runs where, as taskset -c takes it: the same for every proxy.</summary>
internal sealed record Cores(string Proxy, string Load)
{
    /// <summary>
    /// On two cores both are for all, as the kernel likes: one core a side would measure whichever side is slower.
    /// From four on, half is the proxy's and half the load generator's and the node's.
    /// </summary>
    public static Cores OfThisMachine()
    {
        int count = Environment.ProcessorCount;
        return count < 4
            ? new Cores(Range(0, count), Range(0, count))
            : new Cores(Range(0, count / 2), Range(count / 2, count));
    }

    public override string ToString() => $"cores: proxy {Proxy}; load generator and node {Load}";

    private static string Range(int from, int to) => string.Create(CultureInfo.InvariantCulture, $"{from}-{to - 1}");
}
