using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lepton.Cli.Platform;

/// <summary>Says before anything starts which port is taken, by whom, and what the platform wanted it for.</summary>
internal static class PortCheck
{
    public static void RequireFree(IEnumerable<PlannedPort> ports, ProcessTable processes)
    {
        string[] taken = [.. ports.Where(p => !IsFree(p.Port)).Select(p => Describe(p, processes))];
        if (taken.Length > 0)
        {
            throw new CommandFailure(ExitCode.Failed, string.Join(Environment.NewLine, taken))
            {
                Hints = ["Stop what uses it, or choose other ports with --base-port (default 7400)."],
            };
        }
    }

    public static bool IsFree(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException e)
            when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }

    private static string Describe(PlannedPort port, ProcessTable processes)
    {
        string by = Listener(port.Port, processes) is { } row ? $" by {row.Name} (pid {row.Id.Pid})" : "";
        return $"Port {port.Port}, meant for {port.Owner}, is taken{by}.";
    }

    /// <summary>The listening socket's inode from /proc/net/tcp, then the process that holds it open.</summary>
    private static ProcessRow? Listener(int port, ProcessTable processes)
    {
        HashSet<string> sockets = [.. Inodes("/proc/net/tcp", port).Concat(Inodes("/proc/net/tcp6", port))];
        return sockets.Count == 0 ? null : processes.All().FirstOrDefault(row => HoldsAny(row.Id.Pid, sockets));
    }

    private static IEnumerable<string> Inodes(string table, int port)
    {
        const string listening = "0A";
        if (!File.Exists(table))
        {
            return [];
        }

        string suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        return File.ReadLines(table)
            .Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f.Length > 9 && f[3] == listening && f[1].EndsWith(suffix, StringComparison.Ordinal))
            .Select(f => $"socket:[{f[9]}]");
    }

    private static bool HoldsAny(int pid, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{pid}/fd")
                .Any(fd => new FileInfo(fd).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended meanwhile, or another user's process
        }
    }
}
