using System.Diagnostics;
using System.Globalization;

namespace Lepton.Postgres;

/// <summary>
/// Server processes that outlived their supervisor or their postmaster. They hold the data folder's shared memory,
/// so that no new server could start; every one of them works inside that folder, which is how they are found.
/// </summary>
internal static class Orphans
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    public static void End(string data, Action<string> log)
    {
        foreach (var signal in (int[])[Signals.Quit, Signals.Kill])
        {
            var pids = Find(data);
            if (pids.Count == 0)
                return;
            log($"ending {pids.Count} processes of an earlier server");
            pids.ForEach(pid => Signals.Send(pid, signal));
            for (var waited = Stopwatch.StartNew(); waited.Elapsed < Patience && Find(data).Count > 0;)
                Thread.Sleep(PollInterval);
        }
        if (Find(data) is [var last, ..])
            throw new PostgresException($"process {last} works in {data} and cannot be ended.");
    }

    private static List<int> Find(string data) =>
        [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var pid)
                ? pid
                : 0)
            .Where(pid => pid > 0 && IsServerOf(data, pid))];

    private static bool IsServerOf(string data, int pid)
    {
        try
        {
            return Target($"/proc/{pid}/cwd") == data && Path.GetFileName(Target($"/proc/{pid}/exe")) == "postgres";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // ended meanwhile, or another user's: not a server that this user started
        }
    }

    private static string? Target(string link) => File.ResolveLinkTarget(link, returnFinalTarget: false)?.FullName;
}
