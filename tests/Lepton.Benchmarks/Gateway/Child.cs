using System.Diagnostics;
using System.Globalization;

namespace Lepton.Benchmarks.Gateway;

/// <summary>A process of the bench on cores of its own, with its processor time; killed at the end.</summary>
internal sealed class Child : IAsyncDisposable
{
    // USER_HZ: the kernel's unit in /proc/PID/stat on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;
    private readonly Process _process;
    private readonly List<string> _errors = [];

    private Child(string name, ProcessStartInfo start)
    {
        Name = name;
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{name} did not start");
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
                _errors.Add(line.Data ?? "");
        };
        _process.BeginErrorReadLine();
    }

    public string Name { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>User and system time of all its threads so far.</summary>
    public double CpuSeconds
    {
        get
        {
            // Behind the command's name, which may hold spaces: fields 14 and 15 of proc(5).
            string stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture)
                + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }

    /// <param name="name">For messages.</param>
    /// <param name="cores">As taskset -c takes them.</param>
    /// <param name="environment">Added to ours.</param>
    /// <param name="command">Program and arguments. taskset becomes the program: one process, one pid.</param>
    public static Child Start(string name, string cores, IReadOnlyDictionary<string, string> environment,
        params IEnumerable<string> command)
    {
        ProcessStartInfo start = new("taskset", ["-c", cores, .. command])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string key, string value) in environment)
            start.Environment[key] = value;
        return new Child(name, start);
    }

    /// <summary>This program again, in another role.</summary>
    public static Child StartSelf(string role, string cores, IReadOnlyDictionary<string, string> environment,
        params IEnumerable<string> args) =>
        Start(role, cores, environment, [Environment.ProcessPath ?? throw new InvalidOperationException("no program"),
            role, .. args]);

    /// <summary>The next line it prints; its errors when it ends instead.</summary>
    public async Task<string> ReadLineAsync(CancellationToken cancellation) =>
        await _process.StandardOutput.ReadLineAsync(cancellation) ?? throw Failed("ended early");

    /// <summary>What it answers to a line: our own roles print their count, or what they are asked for.</summary>
    public async Task<long> AskAsync(CancellationToken cancellation, string what = "")
    {
        await _process.StandardInput.WriteLineAsync(what);
        return long.Parse(await ReadLineAsync(cancellation), CultureInfo.InvariantCulture);
    }

    /// <summary>All it prints, to its end.</summary>
    public async Task<string> ReadToEndAsync(CancellationToken cancellation)
    {
        string text = await _process.StandardOutput.ReadToEndAsync(cancellation);
        await _process.WaitForExitAsync(cancellation);
        return _process.ExitCode == 0 ? text : throw Failed($"failed with {_process.ExitCode}: {text}");
    }

    public InvalidOperationException Failed(string how)
    {
        lock (_errors)
            return new InvalidOperationException($"{Name} {how}\n{string.Join('\n', _errors.TakeLast(20))}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
