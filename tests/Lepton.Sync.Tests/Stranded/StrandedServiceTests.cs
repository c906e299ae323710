using Lepton.ServiceDefaults;
using Lepton.Sync.Records;
using Lepton.Sync.Stranded;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;
using Microsoft.Extensions.DependencyInjection;
using StrandedWrite = Lepton.Sync.V1.StrandedWrite;

namespace Lepton.Sync.Tests.Stranded;

/// <summary>
/// P3: what a former home had alone is kept, shown, put back or thrown away by a person. Whole nodes, real databases.
/// </summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class StrandedServiceTests(SyncServer server)
{
    private const string Class = "eu-personal";

    [Fact]
    public async Task StrandedWrites_AfterAPromotion_AreShownPutBackAndThrownAway()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["eu-west-a", "eu-west-b"]);
        (TestKeeper a, TestKeeper b) = (world["eu-west-a"], world["eu-west-b"]);
        string[] keys = await StrandAsync(a, b);
        StrandedService.StrandedServiceClient stranded = new(a.As("demo"));

        // Page by page, each once; the successor has none.
        List<StrandedWrite> found = [];
        ListStrandedWritesRequest request = new() { PageSize = 2 };
        do
        {
            ListStrandedWritesResponse page = await stranded.ListStrandedWritesAsync(request, Calls.Options);
            found.AddRange(page.Writes);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(keys.Order(StringComparer.Ordinal), found.Select(w => w.Key).Order(StringComparer.Ordinal));
        Assert.All(found, w => Assert.Equal((a.Name, Class, "demo"), (w.Node, w.RecordClass, w.Tenant)));
        Assert.Empty((await new StrandedService.StrandedServiceClient(b.As("demo"))
            .ListStrandedWritesAsync(new(), Calls.Options)).Writes);
        Dictionary<string, StrandedWrite> byKey = found.ToDictionary(w => w.Key);

        // Another tenant's are not there for it.
        StrandedService.StrandedServiceClient other = new(a.As("harbour-bank"));
        Assert.Empty((await other.ListStrandedWritesAsync(new(), Calls.Options)).Writes);
        Assert.Equal("STRANDED_UNKNOWN", await Calls.RefusalAsync(async () => await other.DiscardStrandedWriteAsync(
            new DiscardStrandedWriteRequest { StrandedId = found[0].StrandedId }, Calls.Options)));

        // A value is shown with what the record is now, and put back under its subject's key.
        GetStrandedWriteResponse shown = await stranded.GetStrandedWriteAsync(
            new GetStrandedWriteRequest { StrandedId = byKey[keys[0]].StrandedId }, Calls.Options);
        Assert.Equal(("only here", "0"), (shown.Value.ToStringUtf8(), shown.RecordVersion));
        await RestoredAsync(stranded, byKey[keys[0]], expected: "0");
        Assert.Equal("only here", (await b.GetAsync(Class, keys[0])).Text());
        Assert.Equal("STRANDED_UNKNOWN", await Calls.RefusalAsync(() => RestoreAsync(stranded, byKey[keys[0]])));
        await b.Subjects.EraseAsync(new EraseRequest { Subject = "ada" }, Calls.Options);
        await Calls.EventuallyAsync(async () => await Calls.RefusalAsync(() => b.GetAsync(Class, keys[0]))
            is "RECORD_ERASED" or "RECORD_UNKNOWN");

        // Of one that was erased meanwhile nobody knows any more whose it was: it is for who looks after all.
        StrandedWrite erased = byKey[keys[1]];
        await b.Subjects.EraseAsync(new EraseRequest { Subject = "eve" }, Calls.Options);
        await Calls.EventuallyAsync(
            async () => await Calls.RefusalAsync(() => RestoreAsync(stranded, erased)) == "STRANDED_UNKNOWN");

        // A deletion, and one that somebody wrote anew since.
        await b.PutAsync(Class, keys[2], "newer");
        Assert.Equal("VERSION_CONFLICT", await Calls.RefusalAsync(
            () => RestoreAsync(stranded, byKey[keys[2]], expected: "0")));
        Assert.True(byKey[keys[2]].Deleted);
        await stranded.DiscardStrandedWriteAsync(
            new DiscardStrandedWriteRequest { StrandedId = byKey[keys[2]].StrandedId }, Calls.Options);
        Assert.Equal("newer", (await b.GetAsync(Class, keys[2])).Text());
        Assert.Equal("STRANDED_UNKNOWN", await Calls.RefusalAsync(async () => await stranded
            .GetStrandedWriteAsync(new() { StrandedId = byKey[keys[2]].StrandedId }, Calls.Options)));

        await OnlyAnOperatorAsync(world, a, byKey[keys[3]], erased);
    }

    /// <summary>Who may manage but not read sees that there is something, not what.</summary>
    private static async Task OnlyAnOperatorAsync(
        TestSync world, TestKeeper keeper, StrandedWrite write, StrandedWrite erased)
    {
        world.Installation.SignAccess("""
            { "version": 2, "tenants": {}, "assignments": [
              { "tenant": "ops", "role": "operator", "regions": ["eu-west"], "allTenants": true } ] }
            """);
        keeper.Services.GetRequiredService<AccessFile>().LookAgain();
        StrandedService.StrandedServiceClient operators = new(keeper.As("ops"));
        GetStrandedWriteResponse seen = await operators.GetStrandedWriteAsync(
            new GetStrandedWriteRequest { StrandedId = write.StrandedId }, Calls.Options);
        Assert.Equal(("", "", false), (seen.Write.Key, seen.Write.Tenant, seen.HasValue));
        Assert.Equal((write.Version, write.StoredBytes), (seen.Write.Version, seen.Write.StoredBytes));
        await RestoredAsync(operators, write);
        StrandedWrite left = Assert.Single((await operators.ListStrandedWritesAsync(new(), Calls.Options)).Writes);
        Assert.Equal((erased.StrandedId, "RECORD_ERASED"), (left.StrandedId, left.Reason));
        Assert.Equal("RECORD_ERASED", await Calls.RefusalAsync(() => RestoreAsync(operators, left)));
        await operators.DiscardStrandedWriteAsync(new() { StrandedId = left.StrandedId }, Calls.Options);
        Assert.Empty((await operators.ListStrandedWritesAsync(new(), Calls.Options)).Writes);
        Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(async () => await
            new StrandedService.StrandedServiceClient(keeper.As("demo")).ListStrandedWritesAsync(
                new(), Calls.Options)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64!")]
    public void Parse_NoId_IsNone(string text) => Assert.Null(StrandedId.Parse(text));

    [Fact]
    public void StrandedId_WrittenAndRead_IsTheSame()
    {
        StrandedId id = new(new ClassId(7), new byte[] { 1, 2, 3 }, new RecordVersion(9, 0x1234_5678_9abc));

        StrandedId read = StrandedId.Parse(id.ToString())!;

        Assert.Equal((id.Class, id.Version), (read.Class, read.Version));
        Assert.True(id.Key.Span.SequenceEqual(read.Key.Span));
        Assert.Equal(id.RequestId(), read.RequestId());
        Assert.NotEqual(id.RequestId(), (id with { Version = new RecordVersion(9, 1) }).RequestId());
    }

    /// <summary>Four keys at home in a zone that alone has their last versions when the other is promoted.</summary>
    private static async Task<string[]> StrandAsync(TestKeeper a, TestKeeper b)
    {
        List<string> own = [];
        for (int i = 0; own.Count < 4; i++)
            if ((await a.Topology.LocateAsync(new LocateRequest { Key = Calls.Key(Class, $"k{i}") }, Calls.Options))
                .Replicas.Single(r => r.Home).Node == a.Name)
                own.Add($"k{i}");
        await a.PutAsync(Class, own[2], "older", level: WriteLevel.Zone);
        await b.StopAsync();
        await a.PutAsync(Class, own[0], "only here", subject: "ada", level: WriteLevel.Local);
        await a.PutAsync(Class, own[1], "of one who is erased", subject: "eve", level: WriteLevel.Local);
        await a.Records.DeleteAsync(new DeleteRequest
        {
            Key = Calls.Key(Class, own[2]), Level = WriteLevel.Local,
        }, Calls.Options);
        await a.PutAsync(Class, own[3], "last", level: WriteLevel.Local);
        await a.StopAsync();
        await b.StartAsync();
        await Calls.EventuallyAsync(async () => (await b.Topology.PromoteAsync(
            new PromoteRequest { Node = a.Name }, Calls.Options)).Epoch > 1);
        await a.StartAsync();
        await a.WholeAsync();
        await Calls.EventuallyAsync(async () => (await new StrandedService.StrandedServiceClient(a.As("demo"))
            .ListStrandedWritesAsync(new(), Calls.Options)).Writes.Count == 4);
        await a.WholeAsync();
        foreach (string key in own) // the new home serves all of them
            await Calls.EventuallyAsync(async () => await Calls.RefusalAsync(
                () => b.PutAsync(Class, key, "not written", expected: new RecordVersion(9, 9).ToString()))
                == "VERSION_CONFLICT");
        return [.. own];
    }

    /// <summary>A busy machine may not confirm it in time: then it stays stranded, and is asked for again.</summary>
    private static Task RestoredAsync(
        StrandedService.StrandedServiceClient stranded, StrandedWrite write, string expected = "") =>
        Calls.EventuallyAsync(async () =>
        {
            await RestoreAsync(stranded, write, expected);
            return true;
        });

    private static async Task RestoreAsync(
        StrandedService.StrandedServiceClient stranded, StrandedWrite write, string expected = "") =>
        await stranded.RestoreStrandedWriteAsync(
            new RestoreStrandedWriteRequest { StrandedId = write.StrandedId, ExpectedVersion = expected },
            Calls.Options);
}
