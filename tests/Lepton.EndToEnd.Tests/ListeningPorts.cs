using System.Globalization;
using System.Net;

namespace Lepton.EndToEnd.Tests;

/// <summary>A TCP socket that listens, and the program that has it.</summary>
internal sealed record Listener(IPAddress Address, int Port, int Pid, string Program);

/// <summary>What the kernel says that the platform's processes listen on: no plan of ours is asked.</summary>
internal static class ListeningPorts
{
    private const string Listening = "0A";

    /// <summary>Every listening TCP socket of the marked processes and of all that they started.</summary>
    public static IReadOnlyList<Listener> Of(IEnumerable<int> marked)
    {
        Dictionary<string, (IPAddress Address, int Port)> sockets = [];
        foreach (string table in (string[])["/proc/net/tcp", "/proc/net/tcp6"])
        {
            foreach (string line in File.Exists(table) ? File.ReadLines(table).Skip(1) : [])
            {
                string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (words[3] == Listening)
                    sockets[words[9]] = Parse(words[1]);
            }
        }

        return
        [
            .. from pid in WithDescendants(marked)
               from inode in Sockets(pid)
               where sockets.ContainsKey(inode)
               let socket = sockets[inode]
               select new Listener(socket.Address, socket.Port, pid, Program(pid)) into listener
               // A child that inherited a socket has it too.
               group listener by listener.Port into same
               select same.MinBy(l => l.Pid),
        ];
    }

    private static HashSet<int> WithDescendants(IEnumerable<int> marked)
    {
        // A server may write its title over its environment: so children count whether or not they carry the marker.
        ILookup<int, int> children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out int pid) ? pid : 0)
            .Where(pid => pid > 0)
            .ToLookup(Parent);
        HashSet<int> all = [];
        Stack<int> left = new(marked);
        while (left.TryPop(out int pid))
        {
            if (!all.Add(pid))
                continue;
            foreach (int child in children[pid])
                left.Push(child);
        }

        return all;
    }

    private static int Parent(int pid)
    {
        try
        {
            // After the name in brackets, which may hold anything: state, parent.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // it has ended
        }
    }

    private static List<string> Sockets(int pid)
    {
        try
        {
            return
            [
                .. Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd")
                    .Select(fd => new FileInfo(fd).LinkTarget ?? "")
                    .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
                    .Select(target => target[8..^1]),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // it has ended
        }
    }

    private static string Program(int pid) => File.ReadAllText($"/proc/{pid}/comm").Trim();

    /// <summary>Address and port as the kernel writes them: words of 32 bits in the machine's order.</summary>
    private static (IPAddress Address, int Port) Parse(string text)
    {
        string[] parts = text.Split(':');
        byte[] bytes = Convert.FromHexString(parts[0]);
        for (int word = 0; word < bytes.Length; word += 4)
            bytes.AsSpan(word, 4).Reverse();
        return (new IPAddress(bytes), int.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
