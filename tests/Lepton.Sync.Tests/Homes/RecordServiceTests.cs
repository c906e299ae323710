using Google.Protobuf;
using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Homes;

/// <summary>S1, S3, S4, S6, S8: records over the socket, at and away from their homes.</summary>
[Collection("postgres")]
public sealed class RecordServiceTests(SharedSync shared) : IClassFixture<SharedSync>
{
    private readonly string _run = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Put_AtAnyNode_IsReadAtEveryHomeAndReplica()
    {
        for (int i = 0; i < 20; i++)
        {
            TestKeeper at = shared.World.Keepers[i % 3];
            WriteResult result = await at.PutAsync("public", $"{_run}/{i}", $"value {i}");
            Assert.True(result.Durability.Committed);
            Assert.NotEmpty(result.Durability.ConfirmedRegions); // ANY_1 is the class's own
        }

        for (int i = 0; i < 20; i++)
            foreach (TestKeeper keeper in shared.World.Keepers)
            {
                GetResponse home = await keeper.GetAsync("public", $"{_run}/{i}");
                Assert.Equal($"value {i}", home.Text());
                Assert.True(home.Freshness.Home);
            }
        foreach (TestKeeper keeper in shared.World.Keepers)
            await Calls.EventuallyAsync(async () =>
            {
                GetResponse local = await keeper.GetAsync("public", $"{_run}/7", ReadConsistency.Local);
                return local.Text() == "value 7" && local.Freshness.Node == keeper.Name
                    && local.Freshness.StalenessMax is not null;
            });
    }

    [Fact]
    public async Task Put_Expected_DecidesByVersion()
    {
        string key = $"{_run}/cas";
        WriteResult first = await shared.WestA.PutAsync("public", key, "1", expected: "0");
        Assert.Equal("VERSION_CONFLICT", await Calls.RefusalAsync(
            () => shared.EastA.PutAsync("public", key, "2", expected: "0")));
        WriteResult second = await shared.WestB.PutAsync("public", key, "2", expected: first.Version);
        Assert.True(string.CompareOrdinal(second.Version, first.Version) > 0);

        RpcException conflict = await Assert.ThrowsAsync<RpcException>(
            () => shared.WestA.PutAsync("public", key, "3", expected: first.Version));

        Assert.Equal(StatusCode.Aborted, conflict.StatusCode);
        Assert.Equal("2", (await shared.WestA.GetAsync("public", key)).Text());
    }

    [Fact]
    public async Task Put_SameRequestIdAgain_IsWrittenOnce()
    {
        string key = $"{_run}/once", id = Guid.NewGuid().ToString("D");
        WriteResult first = await shared.WestA.PutAsync("public", key, "1", requestId: id);
        await shared.WestA.PutAsync("public", key, "2");

        WriteResult again = await shared.EastA.PutAsync("public", key, "1", requestId: id);

        Assert.True(again.Repeated);
        Assert.Equal(first.Version, again.Version);
        Assert.NotEmpty(again.Durability.ConfirmedRegions);
        Assert.Equal("2", (await shared.WestA.GetAsync("public", key)).Text());
    }

    [Theory]
    [InlineData(WriteLevel.Local, 0)]
    [InlineData(WriteLevel.Any, 1)]
    [InlineData(WriteLevel.Each, 0)]
    public async Task Put_EachLevel_IsConfirmedAsWidely(WriteLevel level, int others)
    {
        WriteResult result = await shared.WestA.PutAsync(
            "public", $"{_run}/{level}", "x", level: level, others: others);

        Assert.True(result.Durability.Committed);
        if (level != WriteLevel.Local)
            Assert.Single(result.Durability.ConfirmedRegions);
    }

    [Fact]
    public async Task Put_ZoneOfASingleRegionClass_IsInBothZones()
    {
        WriteResult result = await shared.WestB.PutAsync("eu-personal", $"{_run}/zone", "x");

        Assert.True(result.Durability.ZoneConfirmed);
        Assert.Empty(result.Durability.ConfirmedRegions);
    }

    [Fact]
    public async Task Put_LevelThatReplicasCannotMeet_IsRefusedUnwritten()
    {
        Assert.Equal("FIELD_INVALID", await Calls.RefusalAsync(
            () => shared.WestA.PutAsync("eu-personal", $"{_run}/any", "x", level: WriteLevel.Any, others: 1)));
        Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(
            () => shared.WestA.GetAsync("eu-personal", $"{_run}/any")));
    }

    [Fact]
    public async Task AnyCall_ClassThatTheRegionMayNotHold_IsRefused()
    {
        Assert.Equal("NODE_NOT_ALLOWED", await Calls.RefusalAsync(
            () => shared.EastA.PutAsync("eu-personal", $"{_run}/x", "x")));
        Assert.Equal("NODE_NOT_ALLOWED", await Calls.RefusalAsync(
            () => shared.EastA.GetAsync("eu-personal", $"{_run}/x")));
        Assert.Equal("NODE_NOT_ALLOWED", await Calls.RefusalAsync(async () => await shared.EastA.Records.ScanAsync(
            new ScanRequest { RecordClass = "eu-personal" }, Calls.Options)));
    }

    [Fact]
    public async Task Put_ClassInTheMetadata_IsRefusedBeforeTheMessage()
    {
        // A message that would be refused for itself: the metadata is looked at first.
        CallOptions options = Calls.Options.WithHeaders([new("x-lepton-record-class", "eu-personal")]);

        Assert.Equal("NODE_NOT_ALLOWED", await Calls.RefusalAsync(
            async () => await shared.EastA.Records.PutAsync(new PutRequest(), options)));
    }

    [Fact]
    public async Task Delete_ARecord_IsAbsentAndExpectedNoneHolds()
    {
        string key = $"{_run}/gone";
        await shared.WestA.PutAsync("eu-personal", key, "1");
        await shared.WestB.Records.DeleteAsync(
            new DeleteRequest { Key = Calls.Key("eu-personal", key) }, Calls.Options);

        Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(() => shared.WestA.GetAsync("eu-personal", key)));
        await shared.WestA.PutAsync("eu-personal", key, "2", expected: "0");
        Assert.Equal("2", (await shared.WestA.GetAsync("eu-personal", key)).Text());
    }

    [Fact]
    public async Task WriteBatch_MixedOutcomes_AreEachTold()
    {
        await shared.WestA.PutAsync("public", $"{_run}/there", "1");
        WriteBatchRequest request = new()
        {
            Writes =
            {
                new Write { Key = Calls.Key("public", $"{_run}/new"), Value = ByteString.CopyFromUtf8("n") },
                new Write { Key = Calls.Key("public", $"{_run}/there"), ExpectedVersion = "0" },
                new Write { Key = Calls.Key("eu-personal", $"{_run}/p"), Value = ByteString.CopyFromUtf8("p") },
            },
        };

        WriteBatchResponse response = await shared.WestB.Records.WriteBatchAsync(request, Calls.Options);

        Assert.Equal(["", "VERSION_CONFLICT", ""], response.Results.Select(r => r.Reason));
        GetBatchResponse read = await shared.WestA.Records.GetBatchAsync(
            new GetBatchRequest
            {
                Keys =
                {
                    Calls.Key("public", $"{_run}/new"), Calls.Key("public", $"{_run}/absent"),
                    Calls.Key("eu-personal", $"{_run}/p"),
                },
            },
            Calls.Options);
        Assert.Equal(["n", null, "p"], read.Records.Select(r => r.Record?.Value.ToStringUtf8()));
    }

    [Theory]
    [InlineData("public")] // blind keys
    [InlineData("global")] // clear keys
    public async Task Scan_Prefix_GivesEachOnceOverPages(string recordClass)
    {
        for (int i = 0; i < 25; i++)
            await shared.WestA.PutAsync(recordClass, $"{_run}/scan/{i:00}", $"{i}");
        await shared.WestA.PutAsync(recordClass, $"{_run}/scam", "not this");
        List<string> keys = [];
        ScanRequest request = new() { RecordClass = recordClass, Prefix = $"{_run}/scan/", PageSize = 10 };
        do
        {
            ScanResponse page = await shared.WestB.Records.ScanAsync(request, Calls.Options);
            Assert.True(page.Records.Count <= 10);
            keys.AddRange(page.Records.Select(r => r.Key.Key));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);

        string[] expected = [.. Enumerable.Range(0, 25).Select(i => $"{_run}/scan/{i:00}")];
        Assert.Equal(expected, recordClass == "global" ? keys : keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Watch_Prefix_TellsChangesAndResumes()
    {
        using CancellationTokenSource patience = new(Calls.Patience);
        WatchRequest request = new() { RecordClass = "public", Prefix = $"{_run}/w/" };
        List<string> seen = [];
        string token = "";
        using (AsyncServerStreamingCall<WatchResponse> watch = shared.WestB.Records.Watch(request, Calls.Options))
        {
            Assert.True(await watch.ResponseStream.MoveNext(patience.Token));
            await shared.EastA.PutAsync("public", $"{_run}/w/a", "1");
            await shared.WestA.PutAsync("public", $"{_run}/other", "no");
            await shared.WestB.PutAsync("public", $"{_run}/w/b", "2");
            await ReadAsync(watch, 2);
        }
        Assert.Equal(["a=1", "b=2"], seen.Order(StringComparer.Ordinal));
        await shared.WestA.Records.DeleteAsync(
            new DeleteRequest { Key = Calls.Key("public", $"{_run}/w/a") }, Calls.Options);

        request.ResumeToken = token;
        seen.Clear();
        using AsyncServerStreamingCall<WatchResponse> again = shared.WestB.Records.Watch(request, Calls.Options);
        while (!seen.Contains("a deleted"))
            await ReadAsync(again, 1); // what came in one transaction with the last may come again

        async Task ReadAsync(AsyncServerStreamingCall<WatchResponse> from, int changes)
        {
            while (changes > 0 && await from.ResponseStream.MoveNext(patience.Token))
            {
                token = from.ResponseStream.Current.ResumeToken;
                if (from.ResponseStream.Current.Change is not { } change)
                    continue;
                string key = change.Key.Key[$"{_run}/w/".Length..];
                seen.Add(change.Deleted ? $"{key} deleted" : $"{key}={change.Value.ToStringUtf8()}");
                changes--;
            }
        }
    }

    [Fact]
    public async Task Get_Cached_IsAsOldAsSaidAndNewAfterAWriteHere()
    {
        string key = $"{_run}/cache";
        await shared.WestA.PutAsync("eu-personal", key, "1");
        GetRequest request = new()
        {
            Key = Calls.Key("eu-personal", key), Consistency = ReadConsistency.Cached,
            MaxAge = Google.Protobuf.WellKnownTypes.Duration.FromTimeSpan(TimeSpan.FromMinutes(5)),
        };
        await Calls.EventuallyAsync(
            async () => (await shared.WestA.Records.GetAsync(request, Calls.Options)).Freshness.Cached);

        await shared.WestA.PutAsync("eu-personal", key, "2", level: WriteLevel.Zone);

        Assert.Equal("2", (await shared.WestA.Records.GetAsync(request, Calls.Options)).Text());
    }
}
