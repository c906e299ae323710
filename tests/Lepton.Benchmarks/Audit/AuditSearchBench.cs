using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Search;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Opt = Microsoft.Extensions.Options.Options;

namespace Lepton.Benchmarks.Audit;

/// <summary>
/// How long a page of 50 takes, each form of search by itself, in one log of 5 M rows (20 M with --all; --rows N): p50 and
/// p99 of 200 searches for as many values, read from PostgreSQL and opened, keys <c>search_FORM_p50_ms</c> and
/// <c>_p99_ms</c>.
/// </summary>
internal static class AuditSearchBench
{
    private const int Searches = 200, PageSize = 50;

    internal static int Run(string[] args)
    {
        var rows = args.Contains("--all") ? 20_000_000L : 5_000_000L;
        if (Array.IndexOf(args, "--rows") is >= 0 and var at
            && (at + 1 >= args.Length || !long.TryParse(args[at + 1], CultureInfo.InvariantCulture, out rows)
                || rows < 100_000))
        {
            Console.Error.WriteLine("--rows takes 100000 or more");
            return 2;
        }
        var ratios = MeasureAsync(rows).GetAwaiter().GetResult();
        Console.WriteLine(JsonSerializer.Serialize(new { bench = "audit-search", ratios }));
        return 0;
    }

    /// <summary>The keys, for the last line of a bench.</summary>
    internal static async Task<IReadOnlyDictionary<string, double>> MeasureAsync(long rows)
    {
        PostgresServer server = new("compliance");
        await server.InitializeAsync();
        string folder = Directory.CreateTempSubdirectory("lepton-audit-bench-").FullName;
        try
        {
            return await MeasureAsync(rows, await server.CreateDatabaseAsync(), folder);
        }
        finally
        {
            await server.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<IReadOnlyDictionary<string, double>> MeasureAsync(
        long rows, string connection, string folder)
    {
        foreach (string file in (string[])["secret.key", "index.key"])
            await File.WriteAllTextAsync(
                Path.Combine(folder, file), Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        var options = Opt.Create(new AuditOptions
        {
            Database = connection, DataDirectory = folder, SecretFile = Path.Combine(folder, "secret.key"),
            IndexKeyFile = Path.Combine(folder, "index.key"),
        });
        LogName log = new(Opt.Create(new ServiceOptions { Region = "eu-west", Zone = "a" }), options);
        using PersonKeys keys = new(log, options);
        await using AuditDatabase database = new(options, NullLoggerFactory.Instance);
        var end = DateTime.UtcNow;
        var loading = Stopwatch.StartNew();
        await using (NpgsqlConnection load = new(connection + ";Command Timeout=0"))
        {
            await load.OpenAsync();
            await new SearchRows(new EventPreparer(keys), 7).LoadAsync(load, rows, end);
        }
        Console.WriteLine($"{rows} rows in {SearchRows.Months} months, loaded in {loading.Elapsed.TotalSeconds:F0} s");
        LogSearch search = new(database, keys, log, Opt.Create(new SearchOptions { TimeMax = TimeSpan.FromMinutes(1) }),
            TimeProvider.System);
        EntryOpener opener = new(keys);
        SortedDictionary<string, double> keysOut = new(StringComparer.Ordinal);
        foreach (var (form, filter, before) in Forms(rows, end))
        {
            Random random = new(1);
            List<double> times = [];
            long found = 0;
            for (var i = -10; i < Searches; i++) // ten to warm up
            {
                var wanted = filter(random);
                var start = Stopwatch.GetTimestamp();
                var page = await search.NewestAsync(
                    EntryFilter.Read(wanted, "eu-west"), [], before(random), PageSize, default);
                foreach (var entry in page.Entries)
                    opener.Open(entry);
                if (i < 0)
                    continue;
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                found += page.Entries.Count;
            }
            times.Sort();
            keysOut[$"search_{form}_p50_ms"] = Math.Round(times[times.Count / 2], 2);
            keysOut[$"search_{form}_p99_ms"] = Math.Round(times[times.Count * 99 / 100], 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{form,-16} p50 {times[times.Count / 2],8:F2} ms  p99 {times[times.Count * 99 / 100],8:F2} ms  "
                + $"{(double)found / Searches,5:F1} found"));
        }
        return keysOut;
    }

    private static IEnumerable<(string Form, Func<Random, AuditFilter> Filter, Func<Random, long> Before)> Forms(
        long rows, DateTime end)
    {
        static long Newest(Random _) => 0;
        DateTime At(Random r, int days) => end.AddDays(-r.Next(days, 1000));
        yield return ("newest", _ => new(), Newest);
        yield return ("deep_page", r => new() { Action = $"action.{r.Next(SearchRows.Actions)}" },
            r => r.NextInt64(1, rows));
        yield return ("actor_person", r =>
        {
            int person = r.Next(SearchRows.Persons);
            return new() { Actor = SearchRows.Person(person), Tenant = SearchRows.TenantOf(person) };
        }, Newest);
        yield return ("actor_program", r => new() { Actor = $"service/eu-west/s{r.Next(SearchRows.Programs)}" }, Newest);
        yield return ("subject", r => new()
        {
            Subject = $"subject-{r.Next(2000)}", Tenant = $"tenant-{r.Next(SearchRows.Tenants)}",
        }, Newest);
        yield return ("resource", r => new() { Resource = $"models/{r.Next(SearchRows.Resources)}" }, Newest);
        yield return ("action", r => new() { Action = $"action.{r.Next(SearchRows.Actions)}" }, Newest);
        yield return ("category", r => new() { Category = (AuditCategory)r.Next(1, 4) }, Newest);
        yield return ("category_rare", _ => new() { Category = AuditCategory.Policy }, Newest);
        yield return ("outcome", _ => new() { Outcome = AuditOutcome.Denied }, Newest);
        yield return ("tenant", r => new() { Tenant = $"tenant-{r.Next(SearchRows.Tenants)}" }, Newest);
        yield return ("tenant_action", r => new()
        {
            Tenant = $"tenant-{r.Next(SearchRows.Tenants)}", Action = $"action.{r.Next(SearchRows.Actions)}",
        }, Newest);
        yield return ("tenant_denied", r => new()
        {
            Tenant = $"tenant-{r.Next(SearchRows.Tenants)}", Outcome = AuditOutcome.Denied,
        }, Newest);
        yield return ("text_common", _ => new() { Text = "done" }, Newest);
        yield return ("text_medium", r => new() { Text = SearchRows.Word(r.Next(50, 500)) }, Newest);
        yield return ("text_rare", r => new() { Text = SearchRows.Word(r.Next(20_000, 90_000)) }, Newest);
        yield return ("text_prefix", r => new() { Text = $"word{(char)('a' + r.Next(26))}9*" }, Newest);
        yield return ("text_tenant", r => new()
        {
            Text = SearchRows.Word(r.Next(50, 500)), Tenant = $"tenant-{r.Next(SearchRows.Tenants)}",
        }, Newest);
        yield return ("trace", r => new() { TraceId = SearchRows.Trace(r.NextInt64(1, rows)) }, Newest);
        yield return ("decision", r => new() { DecisionId = SearchRows.Decision(r.NextInt64(1, rows / 3) * 3) }, Newest);
        yield return ("time_day", r =>
        {
            var at = At(r, 2);
            return new()
            {
                FromTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(at),
                ToTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(at.AddDays(1)),
            };
        }, Newest);
        yield return ("time_before", r => new()
        {
            Tenant = $"tenant-{r.Next(SearchRows.Tenants)}",
            ToTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(At(r, 2)),
        }, Newest);
    }
}
