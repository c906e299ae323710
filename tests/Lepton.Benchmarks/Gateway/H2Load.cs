using System.Globalization;
using System.Text.RegularExpressions;

namespace Lepton.Benchmarks.Gateway;

/// <summary>Closed-loop load by h2load: one connection, so many streams, the same request over and over.</summary>
internal static partial class H2Load
{
    public static async Task<double> RunAsync(Proxies proxies, Target target, bool tls, int streams, TimeSpan time,
        CancellationToken cancellation)
    {
        string url = tls ? $"https://{Settings.Address}:{target.Tls}" : $"http://{Settings.Address}:{target.H2c}";
        await using Child h2load = Child.Start("h2load", proxies.Cores.Load, proxies.Tools.Environment,
        [
            proxies.Tools.H2Load, "-c", "1", "-t", "1", "-m", streams.ToString(CultureInfo.InvariantCulture),
            "-D", ((int)time.TotalSeconds).ToString(CultureInfo.InvariantCulture), "-d", proxies.Files.Request,
            "-H", "content-type: application/grpc", "-H", "te: trailers", "-H", "grpc-timeout: 10S",
            "-H", $"authorization: Bearer {Settings.Tokens()[0]}", url + Settings.Path,
        ]);
        string text = await h2load.ReadToEndAsync(cancellation);
        if (Counts().Match(text) is not { Success: true } counts || counts.Groups["failed"].Value != "0"
            || Rate().Match(text) is not { Success: true } rate)
            throw new InvalidOperationException($"h2load against {target.Name}: not every request succeeded\n{text}");
        return double.Parse(rate.Groups["rate"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"requests: .* (?<failed>\d+) failed, 0 errored, 0 timeout\n")]
    private static partial Regex Counts();

    [GeneratedRegex(@"finished in .*, (?<rate>[0-9.]+) req/s")]
    private static partial Regex Rate();
}
