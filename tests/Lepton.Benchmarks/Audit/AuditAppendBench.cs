using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Opt = Microsoft.Extensions.Options.Options;
using Npgsql;

namespace Lepton.Benchmarks.Audit;

/// <summary>
/// Appending in batches of 1,000 (sealing, serialising, hashing, tree, one commit each) against COPY of
/// the same rows into a table of the same columns and indexes, a commit each. One server, fsync on; in turns.
/// </summary>
internal static class AuditAppendBench
{
    private const int Batch = 1000, Rounds = 20, WarmUp = 3;

    internal static int Run(string[] _)
    {
        var ratios = RunAsync().GetAwaiter().GetResult();
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "audit", ratios }));
        return 0;
    }

    private static async Task<Dictionary<string, double>> RunAsync()
    {
        PostgresServer server = new("compliance");
        await server.InitializeAsync();
        var folder = Directory.CreateTempSubdirectory("lepton-audit-").FullName;
        try
        {
            foreach (var file in (string[])["secret", "index"])
                await File.WriteAllTextAsync(
                    Path.Combine(folder, file), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
            return await MeasureAsync(await server.CreateDatabaseAsync(), await server.CreateDatabaseAsync(), folder);
        }
        finally
        {
            await server.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Dictionary<string, double>> MeasureAsync(string own, string plain, string folder)
    {
        var options = Opt.Create(new AuditOptions
        {
            Database = own, DataDirectory = folder, SecretFile = Path.Combine(folder, "secret"),
            IndexKeyFile = Path.Combine(folder, "index"),
        });
        LogName name = new(Opt.Create(new ServiceOptions { Region = "eu-west", Zone = "a" }), options);
        await using AuditDatabase database = new(options, NullLoggerFactory.Instance);
        using PersonKeys keys = new(name, options);
        using ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        AuditMetrics metrics = new(services.GetRequiredService<IMeterFactory>());
        TileStore tiles = new(database);
        await using LogWriter writer = new(database, tiles, name, metrics, TimeProvider.System);
        await writer.ConnectAsync(default);
        writer.Open();
        EventPreparer preparer = new(keys);
        List<StoredEntry> written = [];
        writer.Written += batch => written = [.. batch.Entries];
        await using NpgsqlConnection copy = new(plain);
        await copy.OpenAsync();
        await AuditSchema.Steps.EnsureAsync(copy, default);
        await Months.EnsureAsync(copy, Months.Entries, Months.Of(TimeProvider.System.GetUtcNow().UtcDateTime), default);
        List<double> appends = [], copies = [], ratios = [];
        for (var round = -WarmUp; round < Rounds; round++)
        {
            var events = Events(round);
            var start = Stopwatch.GetTimestamp();
            await writer.WriteAsync([preparer.Prepare(events)], default);
            var append = Stopwatch.GetElapsedTime(start).TotalSeconds;
            start = Stopwatch.GetTimestamp();
            await using (var transaction = await copy.BeginTransactionAsync())
            {
                await EntryTable.CopyAsync(copy, Months.Entries, written, default);
                await transaction.CommitAsync();
            }
            var copied = Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (round < 0)
                continue;
            appends.Add(Batch / append);
            copies.Add(Batch / copied);
            ratios.Add(copied / append);
        }
        var verified = await VerifyAsync(database, writer.Peaks.Size);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"append {Paired.Median(appends):F0} entries/s, COPY {Paired.Median(copies):F0} rows/s, {Batch} a batch; "
            + $"ratios {ratios.Min():F2} to {ratios.Max():F2}; verified {verified:F0} entries/s"));
        return new Dictionary<string, double>
        {
            ["append_vs_copy_1000"] = Paired.Median(ratios), ["verified_per_s"] = verified,
        };
    }

    // Reading, hashing, columns against bytes, and the tree's root, as self-check and verifier do.
    private static async Task<double> VerifyAsync(AuditDatabase database, long size)
    {
        EntryReads entries = new(database);
        CompactRange tree = new();
        var start = Stopwatch.GetTimestamp();
        for (var from = 1L; from <= size; from += Batch)
            foreach (var row in await entries.RangeAsync(from, from + Batch - 1, default))
            {
                if (!EntryColumns.Of(row.Bytes.AsSpan()).IsSame(row.Columns))
                    throw new InvalidOperationException("A column is not what the bytes say.");
                tree.Append(MerkleTree.HashLeaf(row.Bytes));
            }
        return tree.Size == size
            ? size / Stopwatch.GetElapsedTime(start).TotalSeconds
            : throw new InvalidOperationException("Entries are missing.");
    }

    private static AuditEvent[] Events(int round) =>
    [
        .. Enumerable.Range(0, Batch).Select(i => new AuditEvent
        {
            Id = Guid.CreateVersion7().ToString("N"), EventTime = Timestamp.FromDateTime(DateTime.UtcNow),
            Category = AuditCategory.Regulated, Action = "inference.GRPCInferenceService/ModelInfer",
            Outcome = AuditOutcome.Succeeded, Message = "served in the region", Tenant = "demo",
            Resource = $"models/ocr-{i % 50}", Region = "eu-west", Zone = "a", Service = "routing",
            Process = "routing-eu-west", DataClass = "eu-personal", DecisionId = $"{round}-{i}",
            TraceId = Guid.NewGuid().ToString("N"), PolicyVersion = "12",
            Actor = new AuditActor { Principal = $"issuer/user-{i % 200}", Address = "192.0.2.7" },
        }),
    ];
}
