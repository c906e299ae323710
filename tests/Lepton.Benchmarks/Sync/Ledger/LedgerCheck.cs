using System.Diagnostics;
using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;
using Npgsql;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>What is there in the end: asked of the homes, and of the databases.</summary>
internal sealed class LedgerCheck(LedgerWorld world)
{
    private const int Readers = 16;
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(4);

    /// <summary>Waits until all nodes that may hold a class hold the same rows of it.</summary>
    /// <returns>Seconds that it took.</returns>
    public async Task<double> ConvergedAsync()
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            string[] all = await Task.WhenAll(world.Nodes.Select(n => DigestAsync(n, "class <> 2")));
            string[] personal = await Task.WhenAll(world.Nodes.Skip(2).Select(n => DigestAsync(n, "class = 2")));
            if (all.Distinct().Count() == 1 && personal.Distinct().Count() == 1 && !all.Contains(""))
                return Stopwatch.GetElapsedTime(start).TotalSeconds;
            if (Stopwatch.GetElapsedTime(start) > patience)
                throw new TimeoutException($"Replicas differ: {string.Join(" ", all)}; {string.Join(" ", personal)}.");
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }
    }

    /// <summary>Those of the writes whose key has no value at its home.</summary>
    public async Task<IReadOnlySet<LedgerEntry>> AbsentAsync(IReadOnlyList<LedgerEntry> writes)
    {
        HashSet<LedgerEntry> absent = [];
        int next = -1;
        RecordService.RecordServiceClient node = world.Nodes[^1].Keeper.Records; // holds every class
        await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var i && i < writes.Count)
                if (!await IsThereAsync(node, writes[i]))
                    lock (absent)
                        absent.Add(writes[i]);
        })));
        return absent;
    }

    /// <summary>Rows of the class that must not leave eu-west, in us-east's databases, stranded ones too.</summary>
    public async Task<long> ForeignAsync()
    {
        long[] counts = await Task.WhenAll(world.Nodes.Take(2).Select(n => ScalarAsync<long>(n.Keeper.Database,
            "SELECT (SELECT count(*) FROM records WHERE class = 2) "
            + "+ (SELECT count(*) FROM stranded_writes WHERE class = 2)")));
        return counts.Sum();
    }

    /// <summary>Different keys among the writes that were put aside, over all nodes.</summary>
    public async Task<long> StrandedAsync()
    {
        HashSet<string> keys = [];
        foreach (ProcessNode node in world.Nodes)
        {
            await using NpgsqlConnection open = new(node.Keeper.Database);
            await open.OpenAsync();
            await using NpgsqlCommand command = new(
                "SELECT class || ':' || encode(key, 'hex') FROM stranded_writes", open);
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
                keys.Add(reader.GetString(0));
        }
        return keys.Count;
    }

    private static async Task<bool> IsThereAsync(RecordService.RecordServiceClient node, LedgerEntry write)
    {
        bool isThere = false;
        await Calls.EventuallyAsync(async () =>
        {
            GetRequest request = new() { Key = new RecordKey { RecordClass = write.Class, Key = write.Key } };
            try
            {
                await node.GetAsync(request, new CallOptions(deadline: DateTime.UtcNow + TimeSpan.FromSeconds(10)));
                isThere = true;
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                isThere = false;
            }
            return true;
        });
        return isThere;
    }

    private static async Task<string> DigestAsync(ProcessNode node, string where)
    {
        try
        {
            return await ScalarAsync<string>(node.Keeper.Database, $"""
                SELECT count(*) || ':' || coalesce(md5(string_agg(
                    class || ' ' || slot || ' ' || encode(key, 'hex') || ' ' || term || ' ' || clock || ' ' || kind
                    || ' ' || encode(sha256, 'hex'), ',' ORDER BY class, key)), '') FROM records WHERE {where}
                """);
        }
        catch (NpgsqlException)
        {
            return ""; // its server recovers
        }
    }

    private static async Task<T> ScalarAsync<T>(string connection, string sql)
    {
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync();
        await using NpgsqlCommand command = new(sql, open);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
