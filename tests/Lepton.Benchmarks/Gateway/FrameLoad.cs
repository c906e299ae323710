using System.Diagnostics;
using System.Globalization;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// Load whose every request differs: deadline, traceparent, one of 100 tokens. Closed loop (so many streams) or open
/// loop (so many a second, whatever comes back). Times count from when a request was due, not from when it could be
/// sent, so that a stall is not left out of the percentiles (coordinated omission).
/// </summary>
internal sealed class FrameLoad(FrameConnection connection)
{
    public const string Role = "gateway-load";

    private const double WarmUpSeconds = 0.5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly List<double> _microseconds = [];

    /// <param name="args">Port, streams at most, requests a second (0: as fast as they go), seconds.</param>
    public static int Run(string[] args)
    {
        using FrameConnection connection = new(int.Parse(args[0], CultureInfo.InvariantCulture));
        FrameLoad load = new(connection);
        double seconds = double.Parse(args[3], CultureInfo.InvariantCulture);
        load.Loop(int.Parse(args[1], CultureInfo.InvariantCulture),
            double.Parse(args[2], CultureInfo.InvariantCulture), seconds);
        load.Report(seconds);
        return 0;
    }

    private void Loop(int streamsMax, double perSecond, double seconds)
    {
        long start = Stopwatch.GetTimestamp();
        long measured = start + Ticks(WarmUpSeconds), end = measured + Ticks(seconds);
        double interval = perSecond > 0 ? Stopwatch.Frequency / perSecond : 0;
        double due = start;
        connection.Ended = (startedAt, now) =>
        {
            if (startedAt >= measured && (interval > 0 || now < end))
                _microseconds.Add((now - startedAt) * 1e6 / Stopwatch.Frequency);
        };
        for (long now = start; now < end; now = Stopwatch.GetTimestamp())
        {
            while (due <= now && connection.CanSend(streamsMax))
            {
                connection.Send(interval > 0 ? (long)due : now);
                due = interval > 0 ? due + interval : now;
            }
            bool blocked = interval == 0 || due <= now; // by the peer: what it sends is all there is to wait for
            connection.Exchange(blocked ? Ticks(0.01) : (long)Math.Min(due, end) - now);
        }
        while (connection.InFlight > 0)
        {
            if (Stopwatch.GetElapsedTime(end) > Patience)
                throw new TimeoutException($"{connection.InFlight} requests got no answer.");
            connection.Exchange(Ticks(0.01));
        }
    }

    private void Report(double seconds)
    {
        if (_microseconds.Count == 0)
            throw new InvalidOperationException("Nothing was answered.");
        _microseconds.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_microseconds.Count / seconds:F1} {At(0.5):F1} {At(0.99):F1}"));
    }

    private double At(double share) => _microseconds[Math.Min(_microseconds.Count - 1,
        (int)(share * _microseconds.Count))];

    private static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);
}
