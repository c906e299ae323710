using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;

namespace Lepton.Sync.Backup.Restore;

/// <summary>
/// A server over restored files, on a unix socket of its own: recovers, then answers whoever may enter its folder.
/// </summary>
internal sealed partial class RecoveryServer : IAsyncDisposable
{
    /// <summary>What it says when the log ends before the wanted time.</summary>
    public const string TargetMissed = "recovery ended before configured recovery target was reached";

    private const int StatusLine = 7, LinesMax = 40, Interrupt = 2, Quit = 3, Kill = 9;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);

    private readonly string _data;
    private readonly string _work;
    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly TaskCompletionSource<Process> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RecoveryServer(string data, string work, TimeProvider time) => (_data, _work, _time) = (data, work, time);

    /// <summary>The last of what it said.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Returns when it answers.</summary>
    /// <param name="program">How it is started.</param>
    /// <param name="tools">Where <c>bin/postgres</c> is.</param>
    /// <param name="data">The restored data folder.</param>
    /// <param name="target">Settings of the recovery.</param>
    /// <param name="time">The clock of the waits.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="BackupException">RestoreFailed: it ended; the message holds its last words.</exception>
    public static async Task<RecoveryServer> StartAsync(
        PostgresProgram program, string tools, string data, IReadOnlyDictionary<string, string> target,
        TimeProvider time, CancellationToken cancellationToken)
    {
        var work = Directory.CreateTempSubdirectory("lepton-br-").FullName;
        RecoveryServer server = new(data, work, time);
        try
        {
            var hba = Path.Combine(work, "hba.conf");
            await File.WriteAllTextAsync(hba, "local all all trust\n", cancellationToken);
            await program.HandOverAsync([work], cancellationToken);
            Dictionary<string, string> settings = new(target)
            {
                ["listen_addresses"] = "",
                ["unix_socket_directories"] = work,
                ["unix_socket_permissions"] = "0700",
                ["hba_file"] = hba,
                ["restore_command"] = "false", // the log lies in pg_wal already
                ["hot_standby"] = "off",
                ["archive_mode"] = "off",
                ["synchronous_standby_names"] = "", // its standbys are another server's
                ["shared_preload_libraries"] = "",
                ["shared_buffers"] = "64MB",
                ["ssl"] = "off",
                ["logging_collector"] = "off",
                ["log_destination"] = "stderr",
                ["log_line_prefix"] = "",
                ["log_statement"] = "none",
            };
            File.Delete(Path.Combine(data, "postmaster.pid"));
            server.Start(program.StartInfo(
                Path.Combine(tools, "bin", "postgres"),
                ["-D", data, .. settings.SelectMany(s => new[] { "-c", $"{s.Key}={s.Value}" })]));
            await server.WaitReadyAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public string Connection(string user, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = _work, Username = user, Database = database, Pooling = false, Timeout = 60, CommandTimeout = 0,
        IncludeErrorDetail = false,
    }.ConnectionString;

    /// <summary>Saves everything and ends it.</summary>
    /// <exception cref="BackupException">It did not end in order.</exception>
    public async Task StopAsync()
    {
        var process = await _started.Task;
        await SignalAsync(process, Interrupt);
        if (!_ended.Task.IsCompleted || process.ExitCode != 0)
            throw new BackupException(
                BackupFault.RestoreFailed, $"The restored server did not stop in order:\n{Output}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_started.Task.IsCompletedSuccessfully)
        {
            using var process = await _started.Task;
            foreach (var signal in (int[])[Interrupt, Quit, Kill])
                await SignalAsync(process, signal);
        }
        Directory.Delete(_work, recursive: true);
    }

    // It ends, fast but in order, with the thread that started it: should this process be killed, none is left behind.
    private void Start(ProcessStartInfo start) => new Thread(() =>
    {
        try
        {
            var process = Process.Start(start)
                ?? throw new InvalidOperationException($"{start.FileName} did not start.");
            process.OutputDataReceived += (_, e) => Take(e.Data);
            process.ErrorDataReceived += (_, e) => Take(e.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            _started.SetResult(process);
            process.WaitForExit();
        }
        catch (Exception e) when (!_started.Task.IsCompleted)
        {
            _started.SetException(new BackupException(
                BackupFault.RestoreFailed, $"{start.FileName} cannot be started: {e.Message}", e));
        }
        _ended.SetResult();
    }) { IsBackground = true, Name = "restored postgres" }.Start();

    private void Take(string? line)
    {
        if (string.IsNullOrEmpty(line))
            return;
        _lines.Enqueue(line);
        while (_lines.Count > LinesMax)
            _lines.TryDequeue(out _);
    }

    private async Task WaitReadyAsync(CancellationToken cancellationToken)
    {
        var process = await _started.Task.WaitAsync(cancellationToken);
        using PeriodicTimer timer = new(PollInterval, _time);
        while (!IsReady(process.Id))
        {
            if (_ended.Task.IsCompleted)
                throw new BackupException(BackupFault.RestoreFailed, $"The restored server ended:\n{Output}");
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private bool IsReady(int pid)
    {
        var file = Path.Combine(_data, "postmaster.pid");
        if (!File.Exists(file))
            return false;
        var lines = File.ReadAllLines(file);
        return lines.Length > StatusLine && lines[0] == pid.ToString(CultureInfo.InvariantCulture)
            && lines[StatusLine].TrimEnd() == "ready";
    }

    private async Task SignalAsync(Process process, int signal)
    {
        if (_ended.Task.IsCompleted)
            return;
        _ = Send(process.Id, signal); // it may have ended meanwhile
        try
        {
            await _ended.Task.WaitAsync(StopPatience, _time);
        }
        catch (TimeoutException)
        {
            // The caller goes on to a stronger word, or says so.
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Send(int pid, int signal);
}
