using System.Text;
using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;
using Npgsql;

namespace Lepton.Sync.Tests.Homes;

/// <summary>S7: what is about a subject is readable nowhere once it is erased, and everything before.</summary>
[Collection("postgres")]
public sealed class SubjectServiceTests(SharedSync shared) : IClassFixture<SharedSync>
{
    [Fact]
    public async Task Erase_ASubject_IsReadableNowhereAndTombstoned()
    {
        string subject = $"anna.{Guid.NewGuid():N}@example.org", canary = $"canary-{Guid.NewGuid():N}";
        await shared.WestA.PutAsync("eu-personal", $"people/{canary}", $"{canary} of {subject}", subject: subject);
        await shared.WestB.PutAsync("public", $"visits/{canary}", canary, subject: subject);
        await shared.WestA.PutAsync("public", $"others/{canary}", "stays");
        Assert.Equal(2, await CountAsync(subject));

        V1.Erasure erasure = (await shared.WestA.Subjects.EraseAsync(
            new EraseRequest { Subject = subject }, Calls.Options)).Erasure;

        await Calls.EventuallyAsync(async () =>
        {
            erasure = (await shared.WestA.Subjects.GetErasureAsync(
                new GetErasureRequest { ErasureId = erasure.ErasureId }, Calls.Options)).Erasure;
            return erasure.Receipts.Count == 3 && erasure.Receipts.All(r => r.State == ErasureState.Done);
        });
        Assert.All(erasure.Receipts, r => Assert.NotEmpty(r.Signature));
        foreach (TestKeeper keeper in (TestKeeper[])[shared.WestA, shared.WestB])
            foreach (ReadConsistency how in (ReadConsistency[])[ReadConsistency.Home, ReadConsistency.Local])
                await Calls.EventuallyAsync(async () => await Calls.RefusalAsync(
                    () => keeper.GetAsync("eu-personal", $"people/{canary}", how)) is "RECORD_ERASED"
                    or "RECORD_UNKNOWN");
        Assert.Equal(0, await CountAsync(subject));
        Assert.Equal("stays", (await shared.EastA.GetAsync("public", $"others/{canary}")).Text());
        // Who comes back is given a key of its own, which replicas take.
        string again = $"people/again-{canary}";
        await shared.WestA.PutAsync("eu-personal", again, "back", subject: subject, level: WriteLevel.Zone);
        foreach (TestKeeper keeper in (TestKeeper[])[shared.WestA, shared.WestB])
            Assert.Equal("back", (await keeper.GetAsync("eu-personal", again, ReadConsistency.Local)).Text());
        // Its records are tombstones in the end, at every replica.
        foreach (TestKeeper keeper in (TestKeeper[])[shared.WestA, shared.WestB])
            await Calls.EventuallyAsync(async () => await Calls.RefusalAsync(
                () => keeper.GetAsync("eu-personal", $"people/{canary}", ReadConsistency.Local)) == "RECORD_UNKNOWN");
    }

    [Fact]
    public async Task Put_WithASubject_LeavesNothingInClear()
    {
        string canary = $"canary{Guid.NewGuid():N}";
        await shared.WestA.PutAsync("eu-personal", canary, canary, subject: canary, level: WriteLevel.Zone);

        foreach (TestKeeper keeper in (TestKeeper[])[shared.WestA, shared.WestB])
        {
            await using NpgsqlConnection connection = new(keeper.Database);
            await connection.OpenAsync();
            await using NpgsqlCommand look = new(
                "SELECT count(*) FROM records WHERE position($1 in key) > 0 OR position($1 in body) > 0", connection);
            look.Parameters.AddWithValue(Encoding.UTF8.GetBytes(canary));
            Assert.Equal(0L, await look.ExecuteScalarAsync());
            foreach (string file in Directory.EnumerateFiles(keeper.Folder, "*", SearchOption.AllDirectories)
                .Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
                Assert.DoesNotContain(
                    canary, Encoding.Latin1.GetString(await ReadAsync(file)), StringComparison.Ordinal);
        }
    }

    private async Task<int> CountAsync(string subject)
    {
        using AsyncServerStreamingCall<ExportResponse> export = shared.WestA.Subjects.Export(
            new ExportRequest { Subject = subject }, Calls.Options);
        int count = 0;
        await foreach (ExportResponse record in export.ResponseStream.ReadAllAsync())
            count += record.Record.Value.Length > 0 ? 1 : 0;
        return count;
    }

    private static async Task<byte[]> ReadAsync(string file)
    {
        await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        byte[] bytes = new byte[stream.Length];
        int read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false);
        return bytes[..read];
    }
}
