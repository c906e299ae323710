using System.Globalization;

namespace Lepton.Inference.Agent;

/// <summary>
/// Reads the load from cgroup v2 where the process is limited by one, else from /proc. One reader at a time.
/// </summary>
internal sealed class LinuxMachine(TimeProvider time, string root = "/")
{
    private (long At, double BusySeconds, long Received, long Sent)? _last;

    public MachineLoad Read()
    {
        var now = (At: time.GetTimestamp(), Busy: BusySeconds(), Network: NetworkBytes());
        var cpus = CpuCount();
        var (cpu, receive, transmit) = (0.0, 0.0, 0.0);
        if (_last is { } last && time.GetElapsedTime(last.At, now.At).TotalSeconds is > 0 and var seconds)
        {
            cpu = Math.Clamp((now.Busy - last.BusySeconds) / seconds / cpus, 0, 1);
            receive = Math.Max(0, now.Network.Received - last.Received) / seconds;
            transmit = Math.Max(0, now.Network.Sent - last.Sent) / seconds;
        }
        _last = (now.At, now.Busy, now.Network.Received, now.Network.Sent);
        return new MachineLoad(cpu, cpus, Environment.WorkingSet, MemoryLimit(), receive, transmit);
    }

    /// <summary>
    /// Processor time used so far: the container's, or the whole machine's, whose other work slows us as well.
    /// </summary>
    private double BusySeconds()
    {
        foreach (var line in Lines("sys/fs/cgroup/cpu.stat"))
        {
            if (line.StartsWith("usage_usec ", StringComparison.Ordinal))
                return Number(line.Split(' ')[1]) / 1e6;
        }
        // /proc/stat: user nice system idle iowait irq softirq steal, in hundredths of a second.
        var fields = Lines("proc/stat").FirstOrDefault()?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        var busy = 0.0;
        for (var i = 1; i < Math.Min(fields.Length, 9); i++)
            busy += i is 4 or 5 ? 0 : Number(fields[i]);
        return busy / 100;
    }

    /// <summary>.NET counts the cgroup's quota and the affinity; a quota of half a processor it rounds up.</summary>
    private double CpuCount()
    {
        var quota = Lines("sys/fs/cgroup/cpu.max").FirstOrDefault()?.Split(' ') ?? [];
        return quota is [not "max", var period] && Number(period) > 0
            ? Number(quota[0]) / Number(period)
            : Environment.ProcessorCount;
    }

    private static long MemoryLimit() => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>/proc/net/dev: name: received bytes, seven more, sent bytes, …</summary>
    private (long Received, long Sent) NetworkBytes()
    {
        var (received, sent) = (0L, 0L);
        foreach (var line in Lines("proc/net/dev").Skip(2))
        {
            if (line.Split(':') is not [var name, var rest] || name.Trim() == "lo")
                continue;
            var fields = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 9)
                continue;
            received += (long)Number(fields[0]);
            sent += (long)Number(fields[8]);
        }
        return (received, sent);
    }

    /// <summary>None where the file does not exist: another kernel, or no cgroup.</summary>
    private string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
