using System.Diagnostics;
using System.Globalization;

namespace Lepton.Postgres;

/// <summary>One life of the postmaster.</summary>
internal sealed class ServerProcess : IDisposable
{
    private const int StatusLine = 7;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan FastStopPatience = TimeSpan.FromSeconds(10);

    private readonly Process process;
    private readonly string pidFile;

    private ServerProcess(Process process, string pidFile)
    {
        this.process = process;
        this.pidFile = pidFile;
    }

    public int Pid => process.Id;

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    public static ServerProcess Start(Unprivileged unprivileged, string tools, string data, string socketDirectory)
    {
        // The lock file's process is gone (Orphans saw to it); its number may belong to a stranger by now.
        var pidFile = Path.Combine(data, "postmaster.pid");
        File.Delete(pidFile);
        string[] settings =
        [
            "listen_addresses=",
            $"unix_socket_directories={socketDirectory}",
            "unix_socket_permissions=0700",
            "log_line_prefix=",
            // Change capture reads the log later; switching it on then would need a restart.
            "wal_level=logical",
        ];
        var arguments = settings.SelectMany(setting => new[] { "-c", setting });
        return new ServerProcess(
            unprivileged.Start(Path.Combine(tools, "bin", "postgres"), ["-D", data, .. arguments]), pidFile);
    }

    /// <summary>False when it ended, or <paramref name="stop"/> was set, before it accepted connections.</summary>
    public bool WaitReady(ManualResetEventSlim stop)
    {
        while (!process.HasExited && !stop.Wait(PollInterval))
        {
            if (IsReady())
                return true;
        }
        return false;
    }

    /// <summary>Cuts clients off, saves everything and ends; recovery at the next start if that takes too
    /// long.</summary>
    public void Stop()
    {
        foreach (var signal in (int[])[Signals.Interrupt, Signals.Quit, Signals.Kill])
        {
            if (process.HasExited)
                return;
            Signals.Send(process.Id, signal);
            // Not WaitForExit: backends that inherited the output would hold it.
            for (var waited = Stopwatch.StartNew(); waited.Elapsed < FastStopPatience && !process.HasExited;)
                Thread.Sleep(PollInterval);
        }
    }

    public void Dispose() => process.Dispose();

    private bool IsReady()
    {
        if (!File.Exists(pidFile))
            return false;
        var lines = File.ReadAllLines(pidFile);
        return lines.Length > StatusLine
            && lines[0] == process.Id.ToString(CultureInfo.InvariantCulture)
            && lines[StatusLine].TrimEnd() == "ready";
    }
}
