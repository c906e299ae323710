using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Lepton.Wan;

/// <summary>Relays every link that was asked for until SIGTERM or SIGINT.</summary>
internal static class WanCommand
{
    private const string Usage = """
        usage: Lepton.Wan LISTENPORT=HOST:PORT@RTTMS ...
        Passes TCP connections of a loopback port on to another, as far away as RTTMS milliseconds of round trip:
        half in each direction. Opening a connection costs no round trip of its own.
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        var links = args.Select(WanLink.TryParse).OfType<WanLink>().ToList();
        if (links.Count < args.Length || links.Count == 0)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.TrySetResult();
        }
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        var relays = new List<WanRelay>();
        try
        {
            foreach (var link in links)
            {
                relays.Add(new WanRelay(link, TimeProvider.System, Log));
                Log($"{relays[^1].EndPoint} -> {link.Target}, {link.RoundTrip.TotalMilliseconds:F0} ms round trip");
            }
            await stop.Task;
            return 0;
        }
        catch (SocketException exception)
        {
            await Console.Error.WriteLineAsync($"wan: port {links[relays.Count].ListenPort}: {exception.Message}");
            return 1;
        }
        finally
        {
            foreach (var relay in relays)
                await relay.DisposeAsync();
        }
    }

    private static void Log(string message) => Console.WriteLine($"wan: {message}");
}
