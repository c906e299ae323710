using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Lepton.Wan;

/// <summary>One connection of two regions, in one direction of dialling.</summary>
/// <param name="ListenPort">The loopback port that stands for the far region; 0 takes any free one.</param>
/// <param name="Target">Where the far region listens; loopback too.</param>
/// <param name="RoundTrip">Half of it is added to each direction.</param>
internal sealed partial record WanLink(int ListenPort, IPEndPoint Target, TimeSpan RoundTrip)
{
    private const int RoundTripMsMax = 60_000;

    /// <summary>Reads <c>listenPort=host:port@rttMs</c>; null when it says nothing of the kind.</summary>
    public static WanLink? TryParse(string text)
    {
        if (Pattern.Match(text) is not { Success: true } match
            || !TryPort(match.Groups["listen"].ValueSpan, out var listen)
            || !TryPort(match.Groups["port"].ValueSpan, out var port)
            || !int.TryParse(match.Groups["rtt"].ValueSpan, CultureInfo.InvariantCulture, out var rttMs)
            || rttMs > RoundTripMsMax)
            return null;
        var host = match.Groups["host"].Value == "localhost"
            ? IPAddress.Loopback
            : IPAddress.Parse(match.Groups["host"].Value);
        return new WanLink(listen, new IPEndPoint(host, port), TimeSpan.FromMilliseconds(rttMs));
    }

    private static bool TryPort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out port) && port <= IPEndPoint.MaxPort;

    // Loopback targets only: this program is no way into a network.
    [GeneratedRegex(@"^(?<listen>\d{1,5})=(?<host>localhost|127\.0\.0\.1):(?<port>\d{1,5})@(?<rtt>\d{1,5})$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Pattern { get; }
}
