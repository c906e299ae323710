using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Lepton.Sync.Records;
using Lepton.Sync.Replication;
using Lepton.Sync.Replication.Capture;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Lepton.Benchmarks.Sync;

/// <summary>
/// How quickly the write-ahead log is read into rows, against pg_recvlogical that throws the same pgoutput messages of
/// the same log away: what the server's decoding alone allows. A slot each; rounds in turns.
/// </summary>
internal static class CaptureBench
{
    private const int Rows = 40_000;
    private const int Rounds = 5;

    private static readonly (string Package, string Version)[] Packages =
        [("postgresql-client-15", "15.20-0+deb12u1")];

    internal static async Task<IReadOnlyDictionary<string, double>> RunAsync()
    {
        string tools = Path.Combine(Bench.Home(), "tools"), peers = Path.Combine(tools, "sync-peers");
        DebianPackages.Ensure(peers, "bench sync", Packages);
        PostgresServer server = new("sync", replicates: true);
        await server.InitializeAsync();
        try
        {
            string connection = await server.CreateDatabaseAsync();
            return await MeasureAsync(
                connection, Path.Combine(peers, "usr/lib/postgresql/15/bin/pg_recvlogical"), tools);
        }
        finally
        {
            await server.DisposeAsync();
        }
    }

    private static async Task<IReadOnlyDictionary<string, double>> MeasureAsync(
        string connection, string receiver, string tools)
    {
        await using StorageParts parts = new(connection);
        await parts.Database.EnsureSchemaAsync(default);
        await using ServiceProvider meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
        PgCaptureSlot slot = new(() => connection, "ours", "lepton_sync");
        ReplicationOptions options = new() { Slot = "ours", HeartbeatInterval = TimeSpan.FromSeconds(1) };
        PgChangeCapture capture = new(slot, options,
            new ReplicationMetrics(meters.GetRequiredService<IMeterFactory>()), TimeProvider.System,
            NullLogger<PgChangeCapture>.Instance);
        await slot.EnsureAsync(default);
        await ScalarAsync<object>(connection, "SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')");
        RowLoad load = RowLoad.OfAllSlots();
        List<double> ours = [], theirs = [], ratios = [];
        for (int round = 0; round <= Rounds; round++)
        {
            await RowLoad.WriteAsync(parts.Store, load.Make(Rows));
            string end = await ScalarAsync<string>(connection, "SELECT pg_current_wal_flush_lsn()::text");
            LogPosition to = new((ulong)NpgsqlTypes.NpgsqlLogSequenceNumber.Parse(end));
            // Who reads second finds the log in memory either way: it was written just now.
            double a, b;
            if (round % 2 == 0)
                (a, b) = (await CaptureAsync(capture, to), await ReceiveAsync(connection, receiver, tools, end));
            else
                (b, a) = (await ReceiveAsync(connection, receiver, tools, end), await CaptureAsync(capture, to));
            if (round == 0)
                continue; // warms both up
            ours.Add(Rows / a);
            theirs.Add(Rows / b);
            ratios.Add(b / a);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"capture: {Rows} rows of {RowLoad.BodyBytes} B a round, medians of {Rounds} rounds\n"
            + $"  ours {Paired.Median(ours),9:F0} rows/s   pg_recvlogical {Paired.Median(theirs),9:F0} rows/s   "
            + $"ratios by round {ratios.Min():F2} to {ratios.Max():F2}"));
        return new Dictionary<string, double> { ["capture_vs_recvlogical"] = Paired.Median(ratios) };
    }

    private static async Task<double> CaptureAsync(PgChangeCapture capture, LogPosition to)
    {
        long start = Stopwatch.GetTimestamp();
        int rows = 0;
        using CancellationTokenSource enough = new();
        LogPosition reached = default;
        await foreach (CaptureEvent told in capture.ReadAsync(enough.Token))
        {
            if (told is not CapturedTransaction transaction)
                continue;
            rows += transaction.Records.Count;
            reached = transaction.Position;
            if (rows == Rows)
                break;
        }
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (reached > to)
            throw new InvalidOperationException("Capture read rows that were not written yet.");
        // Told when the next stream begins: the next round reads its own rows only.
        await capture.ConfirmAsync(to, default);
        return seconds;
    }

    private static async Task<double> ReceiveAsync(string connection, string program, string tools, string end)
    {
        NpgsqlConnectionStringBuilder to = new(connection);
        ProcessStartInfo start = new(program)
        {
            RedirectStandardError = true,
            ArgumentList =
            {
                "--host", to.Host!, "--port", to.Port.ToString(CultureInfo.InvariantCulture), "--dbname", to.Database!,
                "--username", to.Username!, "--slot", "theirs", "--start", "--no-loop", "--no-password",
                "--endpos", end, "--file", "/dev/null", "--option", "proto_version=1",
                "--option", "publication_names=lepton_sync", "--option", "binary=on",
            },
            Environment =
            {
                ["PGPASSWORD"] = to.Password, ["LD_LIBRARY_PATH"] = Path.Combine(tools, "postgres", "lib"),
            },
        };
        long began = Stopwatch.GetTimestamp();
        using Process receiver = Process.Start(start) ?? throw new InvalidOperationException("No pg_recvlogical.");
        string said = await receiver.StandardError.ReadToEndAsync();
        await receiver.WaitForExitAsync();
        return receiver.ExitCode == 0
            ? Stopwatch.GetElapsedTime(began).TotalSeconds
            : throw new InvalidOperationException($"pg_recvlogical: {said}");
    }

    private static async Task<T> ScalarAsync<T>(string connection, string sql)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
