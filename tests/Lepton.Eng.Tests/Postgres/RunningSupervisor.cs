using System.Diagnostics;
using System.Globalization;
using Lepton.Postgres;
using Npgsql;

namespace Lepton.Eng.Tests.Postgres;

/// <summary>The supervisor as a process of its own over the real server, as the app host runs it.</summary>
internal sealed class RunningSupervisor : IDisposable
{
    // A generous bound for a busy machine; reaching it fails the test.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    private readonly string data;
    private readonly Process process;
    private readonly List<string> output = [];

    public RunningSupervisor(string data, params string[] databases)
        : this(data, "", databases)
    {
    }

    /// <param name="programs">A folder whose programs come before the machine's.</param>
    public RunningSupervisor(string data, string programs, string[] databases)
    {
        this.data = data;
        process = Launch(data, programs, databases);
        process.OutputDataReceived += Collect;
        process.ErrorDataReceived += Collect;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int ServerPid => TryServerPid()
        ?? throw new InvalidOperationException($"The server is not ready:\n{Output}");

    public bool HasExited => process.HasExited;

    public string Output
    {
        get
        {
            lock (output)
                return string.Join('\n', output);
        }
    }

    public static (int ExitCode, string Output) RunToEnd(string data)
    {
        using var process = Launch(data, "", ["routing"]);
        var text = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, text);
    }

    public void WaitReady() => WaitUntil(() => TryServerPid() is not null, "ready");

    public void WaitReadyOtherThan(int pid) =>
        WaitUntil(() => TryServerPid() is { } current && current != pid, "ready again");

    public string ConnectionString(string database) =>
        new ServerFolder(data).ReadConnections()[database] + ";Pooling=false";

    public object? Query(string database, string sql)
    {
        using var connection = new NpgsqlConnection(ConnectionString(database));
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return command.ExecuteScalar();
    }

    /// <summary>SIGTERM, as DCP stops a program.</summary>
    public int Stop()
    {
        Signals.Send(process.Id, 15);
        WaitUntil(() => process.HasExited, "stopped");
        process.WaitForExit(); // for its last lines
        return process.ExitCode;
    }

    /// <summary>SIGKILL to the supervisor alone.</summary>
    public void Kill()
    {
        Signals.Send(process.Id, Signals.Kill);
        WaitUntil(() => process.HasExited, "killed");
    }

    /// <summary>Every process that works in the server's files.</summary>
    public List<int> ServerProcesses()
    {
        var folder = Path.Combine(data, "pgdata");
        return [.. Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0 && WorkingDirectory(pid) == folder)];
    }

    public void WaitNoServerProcess() => WaitUntil(() => ServerProcesses().Count == 0, "without a server process");

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        ServerProcesses().ForEach(pid => Signals.Send(pid, Signals.Kill));
        process.Dispose();
    }

    private static Process Launch(string data, string programs, string[] databases)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Lepton.Postgres.dll"),
            "--tools", Path.Combine(Repository.Paths.Tools, "postgres"), "--data", data,
            "--databases", string.Join(',', databases),
        ];
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (programs.Length > 0)
            start.Environment["PATH"] = $"{programs}:{start.Environment["PATH"]}";
        return Process.Start(start)!;
    }

    private static string? WorkingDirectory(int pid)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{pid}/cwd", returnFinalTarget: false)?.FullName;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // it ended, or is another user's
        }
    }

    private int? TryServerPid()
    {
        try
        {
            return int.Parse(File.ReadAllText(Path.Combine(data, "ready")), CultureInfo.InvariantCulture);
        }
        catch (FileNotFoundException)
        {
            return null; // not yet, or no more: the supervisor deletes it when the server ends
        }
        catch (DirectoryNotFoundException)
        {
            return null; // the supervisor has not made its folder yet
        }
    }

    private void Collect(object sender, DataReceivedEventArgs line)
    {
        lock (output)
            output.Add(line.Data ?? "");
    }

    private void WaitUntil(Func<bool> condition, string what)
    {
        for (var waited = Stopwatch.StartNew(); !condition(); Thread.Sleep(PollInterval))
        {
            if (waited.Elapsed > Patience)
                throw new TimeoutException($"The server is not {what}:\n{Output}");
        }
    }
}
