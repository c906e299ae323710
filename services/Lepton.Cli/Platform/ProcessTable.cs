using System.Globalization;
using System.Text;

namespace Lepton.Cli.Platform;

/// <summary>
/// A process, told from a later one with the same number by its start time (clock ticks since boot, as in
/// proc(5) stat field 22). A start of 0 names no process.
/// </summary>
internal readonly record struct ProcessId(int Pid, long StartTicks);

/// <summary>One row of the process table.</summary>
internal sealed record ProcessRow(ProcessId Id, int ParentPid, string Name, char State);

/// <summary>What proc(5) says about this machine's processes.</summary>
internal sealed class ProcessTable(string proc = "/proc")
{
    /// <summary>Null when there is no such process any more. A zombie has ended: only its exit code waits.</summary>
    public ProcessRow? Find(int pid)
    {
        string stat;
        try
        {
            stat = File.ReadAllText($"{proc}/{pid}/stat");
        }
        catch (IOException)
        {
            return null;
        }

        ProcessRow row = Parse(pid, stat);
        return row.State is 'Z' or 'X' ? null : row;
    }

    public bool IsAlive(ProcessId id) => Find(id.Pid) is { } row && row.Id == id;

    public IReadOnlyList<ProcessRow> All()
    {
        List<ProcessRow> rows = [];
        foreach (string folder in Directory.EnumerateDirectories(proc))
        {
            if (int.TryParse(Path.GetFileName(folder), out int pid) && Find(pid) is { } row)
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    /// <summary>
    /// The processes of an instance: those whose environment carries its marker, and all that they started.
    /// PostgreSQL overwrites its environment with its title, so its processes are found as descendants or by
    /// the data folder on their command line.
    /// </summary>
    public IReadOnlyList<ProcessRow> OfInstance(Instance instance)
    {
        IReadOnlyList<ProcessRow> all = All();
        HashSet<int> own = Ancestors(all, Environment.ProcessId);
        byte[] marker = Encoding.UTF8.GetBytes($"{Instance.Marker}={instance.Folder}\0");
        byte[] folder = Encoding.UTF8.GetBytes(instance.Folder + "/pg/");
        HashSet<int> found = [];
        foreach (ProcessRow row in all)
        {
            if (!own.Contains(row.Id.Pid) &&
                (Holds($"{proc}/{row.Id.Pid}/environ", marker) || Holds($"{proc}/{row.Id.Pid}/cmdline", folder)))
            {
                found.Add(row.Id.Pid);
            }
        }

        while (all.Any(r => found.Contains(r.ParentPid) && !own.Contains(r.Id.Pid) && found.Add(r.Id.Pid)))
        {
            // Each round adds at least one descendant.
        }

        return [.. all.Where(r => found.Contains(r.Id.Pid))];
    }

    /// <summary>
    /// Proportional set size: memory shared by n processes counts 1/n, so that the sum over processes is true.
    /// Null when the process has gone or belongs to somebody else.
    /// </summary>
    public long? PssBytes(int pid)
    {
        try
        {
            foreach (string line in File.ReadLines($"{proc}/{pid}/smaps_rollup"))
            {
                if (line.StartsWith("Pss:", StringComparison.Ordinal))
                {
                    string number = line["Pss:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
                    return long.Parse(number, CultureInfo.InvariantCulture) * 1024;
                }
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ProcessRow Parse(int pid, string stat)
    {
        // pid (name) state ppid ...: the name may hold blanks and parentheses, so split after the last one.
        int open = stat.IndexOf('(');
        int close = stat.LastIndexOf(')');
        string[] fields = stat[(close + 2)..].Split(' ');
        long start = long.Parse(fields[19], CultureInfo.InvariantCulture);
        int parent = int.Parse(fields[1], CultureInfo.InvariantCulture);
        return new ProcessRow(new ProcessId(pid, start), parent, stat[(open + 1)..close], fields[0][0]);
    }

    private static HashSet<int> Ancestors(IReadOnlyList<ProcessRow> all, int pid)
    {
        Dictionary<int, int> parents = all.ToDictionary(r => r.Id.Pid, r => r.ParentPid);
        HashSet<int> line = [];
        while (line.Add(pid) && parents.TryGetValue(pid, out int parent))
        {
            pid = parent;
        }

        return line;
    }

    private static bool Holds(string file, byte[] text)
    {
        try
        {
            return File.ReadAllBytes(file).AsSpan().IndexOf(text) >= 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone meanwhile, or another user's: not ours
        }
    }
}
