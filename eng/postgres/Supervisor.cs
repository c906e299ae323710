using System.Diagnostics;
using Npgsql;

namespace Lepton.Postgres;

/// <summary>
/// Keeps one server running: makes its files at the first start, starts it again after a crash, stops it in order.
/// DCP ends programs by SIGTERM, on which PostgreSQL would wait for its clients: the supervisor translates.
/// </summary>
internal sealed class Supervisor(PostgresOptions options, ServerFolder folder, ManualResetEventSlim stop)
{
    private const int FailedStartsMax = 10;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Stable = TimeSpan.FromSeconds(30);

    private readonly Unprivileged unprivileged = Unprivileged.Detect();

    public void Run()
    {
        folder.MarkNotReady();
        var secrets = folder.EnsureSecrets(options.Databases);
        var socketDirectory = folder.PrepareSocketDirectory(options.SocketDirectory);
        folder.WriteConnections(options.Databases.ToDictionary(
            name => name, name => Databases.ConnectionString(socketDirectory, name, secrets[name])));
        unprivileged.LetThrough(options.Data);
        Initialize(secrets[ServerFolder.Superuser]);
        unprivileged.HandOver(folder.Data, socketDirectory);

        var failedStarts = 0;
        for (var backoff = BackoffMin; !stop.IsSet; stop.Wait(backoff))
        {
            var started = Stopwatch.StartNew();
            var served = ServeOnce(socketDirectory, secrets);
            if (stop.IsSet)
                break;
            failedStarts = served ? 0 : failedStarts + 1;
            if (failedStarts == FailedStartsMax)
                throw new PostgresException(
                    $"the server did not start {FailedStartsMax} times; its messages are above.");
            backoff = started.Elapsed > Stable
                ? BackoffMin
                : TimeSpan.FromTicks(Math.Min(backoff.Ticks * 2, BackoffMax.Ticks));
            Log($"starting again in {backoff.TotalMilliseconds:F0} ms");
        }
        folder.RemoveTemporarySocketDirectory();
        Log("stopped");
    }

    private void Initialize(string password)
    {
        if (Directory.Exists(folder.Data))
            return;
        // An interrupted initdb leaves a folder that no server accepts: it counts only once it has its name.
        if (Directory.Exists(folder.FreshData))
            Directory.Delete(folder.FreshData, recursive: true);
        Directory.CreateDirectory(folder.FreshData);
        var passwordFile = folder.WritePasswordFile(password);
        unprivileged.HandOver(folder.FreshData, passwordFile);
        var started = Stopwatch.StartNew();
        using var process = unprivileged.Start(Path.Combine(options.Tools, "bin", "initdb"),
        [
            "-D", folder.FreshData, "-U", ServerFolder.Superuser, $"--pwfile={passwordFile}",
            "--no-sync", "--no-instructions",
            "--auth-local=scram-sha-256", "--auth-host=reject", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
        ]);
        process.WaitForExit();
        File.Delete(passwordFile);
        if (process.ExitCode != 0)
            throw new PostgresException($"initdb failed (exit {process.ExitCode}); its messages are above.");
        Directory.Move(folder.FreshData, folder.Data);
        Log($"database files made in {started.Elapsed.TotalSeconds:F1} s");
    }

    /// <summary>One life of the server; true if it served.</summary>
    private bool ServeOnce(string socketDirectory, IReadOnlyDictionary<string, string> secrets)
    {
        var started = Stopwatch.StartNew();
        Orphans.End(folder.Data, Log);
        using var server = ServerProcess.Start(unprivileged, options.Tools, folder.Data, socketDirectory);
        try
        {
            var ready = server.WaitReady(stop);
            if (ready)
            {
                Databases.Ensure(socketDirectory, options, secrets);
                folder.MarkReady(server.Pid);
                Log($"ready in {started.Elapsed.TotalSeconds:F1} s, process {server.Pid}, socket in {socketDirectory}");
                while (!server.HasExited && !stop.Wait(PollInterval))
                {
                }
            }
            if (server.HasExited && !stop.IsSet)
                Log($"the server ended unexpectedly (exit {server.ExitCode})");
            return ready;
        }
        catch (NpgsqlException exception)
        {
            // It ended, or ran out of something, between its start and its first work.
            Log($"the server does not answer: {exception.Message}");
            return false;
        }
        finally
        {
            folder.MarkNotReady();
            server.Stop();
        }
    }

    private static void Log(string message) => Console.WriteLine($"postgres: {message}");
}
