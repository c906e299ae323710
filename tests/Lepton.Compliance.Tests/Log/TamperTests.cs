using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Lepton.Compliance.Audit.Checks;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Compliance.Tests.Log;

/// <summary>C4: whatever the database's superuser changes is found, by the service itself and by the
/// verifier.</summary>
[Collection("audit-log")]
public sealed class TamperTests(AuditServer server)
{
    private const int Count = 600;

    public static TheoryData<string, string, string> Changes => new()
    {
        { "bytes", "UPDATE audit_entries SET bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1) WHERE sequence = 300",
            "entry" },
        { "column", "UPDATE audit_entries SET tenant = 'lakeside' WHERE sequence = 300", "columns" },
        { "index", "UPDATE audit_entries SET actor_index = NULL WHERE sequence = 300", "columns" },
        { "removed", "DELETE FROM audit_entries WHERE sequence = 300", "gap" },
        { "swapped", """
            UPDATE audit_entries SET sequence = -1 WHERE sequence = 300;
            UPDATE audit_entries SET sequence = 300 WHERE sequence = 301;
            UPDATE audit_entries SET sequence = 301 WHERE sequence = -1
            """, "columns" },
        { "bytes with hash", """
            UPDATE audit_entries SET bytes = other.bytes, leaf_hash = other.leaf_hash
            FROM (SELECT bytes, leaf_hash FROM audit_entries WHERE sequence = 301) other WHERE sequence = 300
            """, "columns" },
        { "tile", """
            UPDATE audit_tiles SET hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) WHERE level = 0 AND tile = 1
            """, "entry" },
        { "upper tile", "UPDATE audit_tiles SET hashes = set_byte(hashes, 3, get_byte(hashes, 3) # 1) WHERE level = 1",
            "tree" },
        { "tail", "DELETE FROM audit_entries WHERE sequence > 590", "gap" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task SelfCheck_Superuser_RaisesAnAlarmForGood(string what, string sql, string kind)
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Events(Count));
        await host.HeadAsync();
        CheckWorker check = host.Services.GetRequiredService<CheckWorker>();
        await check.CheckAsync(default);
        Assert.Empty(host.Alarms);

        await host.SuperAsync(server, sql);
        await check.CheckAsync(default);

        Assert.True(host.Alarms.Any(a => a.Kind == kind), $"{what}: {string.Join("; ", host.Alarms)}");
        await host.StopAsync();
        await host.StartAsync();
        Assert.NotEmpty(host.Alarms);
    }

    [Theory]
    [InlineData("DELETE FROM audit_entries WHERE sequence > 590")]
    [InlineData("DELETE FROM audit_entries WHERE sequence > 590; DELETE FROM audit_heads WHERE size > 0")]
    [InlineData("TRUNCATE audit_entries, audit_tiles, audit_heads")]
    public async Task Start_TailCutOff_StaysClosed(string sql)
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Events(Count));
        await host.HeadAsync();
        await host.StopAsync();

        await host.SuperAsync(server, sql);
        await host.StartAsync();

        await AuditHost.EventuallyAsync(() => Task.FromResult(host.Alarms.Count > 0));
        Assert.Contains(host.Alarms, a => a.Kind is "truncated" or "tree");
        Assert.False(host.Writer.IsOpen);
    }

    [Fact]
    public async Task Witness_LogRebuiltWithItsOwnKey_IsAnAlarmElsewhere()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "us-east/a"]);
        AuditHost host = world["eu-west/a"], witness = world["us-east/a"];
        await host.AppendAsync(AuditWorld.Events(50));
        await host.HeadAsync(witnesses: 1);
        await host.StopAsync();

        // Who has the database, the machine's files and the signer's key writes another history, longer than the first.
        await host.SuperAsync(server, "TRUNCATE audit_entries, audit_tiles, audit_heads, audit_witnesses");
        File.Delete(Path.Combine(host.Data, "head"));
        string former = host.Database;
        host.Database = await server.CreateDatabaseAsync();
        host.BeginsAlone = true;
        await host.StartAsync();
        await host.OpenAsync();
        await host.AppendAsync(AuditWorld.Events(80));

        await AuditHost.EventuallyAsync(() => Task.FromResult(witness.Alarms.Count > 0));
        Assert.Equal(("eu-west/a", "history"), (witness.Alarms[0].Log, witness.Alarms[0].Kind));
        Assert.NotEqual(former, host.Database);
    }

    [Fact]
    public async Task Verifier_WholeLog_IsGoodAndFindsEachChange()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "us-east/a"]);
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Events(100));
        TreeHead earlier = await host.HeadAsync(witnesses: 1);
        await host.AppendAsync(AuditWorld.Events(200));
        TreeHead head = await host.HeadAsync(witnesses: 1);
        using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(
            world.Installation.AuthorityFile);
        string[] lines = await ExportAsync(host, head, 51, 280, (long)earlier.Size);

        ExportReport good = await VerifyAsync(authority, lines, earlier);
        Assert.True(good.IsGood, string.Join("; ", good.Faults));
        Assert.Equal((230, 1), (good.Entries, good.Witnesses.Count));

        await FoundAsync("removed", [.. lines[..50], .. lines[51..]]);
        await FoundAsync("swapped", [.. lines[..50], lines[51], lines[50], .. lines[52..]]);
        await FoundAsync("cut off", lines[..^1]);
        await FoundAsync("cut off with end", [.. lines[..^5], .. lines[^3..]]);
        await FoundAsync("column", [.. lines[..50],
            lines[50].Replace("\"tenant\":\"demo\"", "\"tenant\":\"lake\"", StringComparison.Ordinal), .. lines[51..]]);
        await FoundAsync("twice", [.. lines[..51], lines[50], .. lines[51..]]);
        await FoundAsync("head", [.. lines[..^2],
            lines[^2].Replace("\"size\":300", "\"size\":299", StringComparison.Ordinal), lines[^1]]);
        TreeHead other = earlier.Clone();
        other.Root = ByteString.CopyFrom(new byte[32]);
        Assert.False((await VerifyAsync(authority, lines, other)).IsGood);

        async Task FoundAsync(string what, string[] changed) =>
            Assert.False((await VerifyAsync(authority, changed, null)).IsGood, what);
    }

    private static async Task<string[]> ExportAsync(AuditHost host, TreeHead head, long first, long last, long since)
    {
        TreeReader reader = host.Services.GetRequiredService<TileStore>().Reader(host.Name, Months.Entries);
        using MemoryStream stream = new();
        ExportWriter writer = new(stream);
        await writer.WriteHeaderAsync(new ExportHeader(host.Name, ExportMode.Range, (long)head.Size, first, last,
            await reader.NodesAsync(0, first - 1, default), await reader.NodesAsync(last, (long)head.Size, default)),
            default);
        foreach (StoredEntry entry in await host.Services.GetRequiredService<EntryReads>()
            .RangeAsync(first, last, default))
            await writer.WriteEntryAsync(entry.Columns, entry.Bytes, null, default);
        await writer.WriteConsistencyAsync(
            since, await reader.ConsistencyAsync(since, (long)head.Size, default), default);
        await writer.WriteEndAsync(head, default);
        return System.Text.Encoding.UTF8.GetString(stream.ToArray()).TrimEnd('\n').Split('\n');
    }

    private static async Task<ExportReport> VerifyAsync(X509Certificate2 authority, string[] lines, TreeHead? since)
    {
        using MemoryStream stream = new(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        return await new ExportVerifier(authority, since, witnessesMin: 1).VerifyAsync(stream, default);
    }
}
