using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Compliance.Tests.Search;

/// <summary>C4: what is searched for is found, newest first, by pages that neither skip nor repeat.</summary>
[Collection("search")]
public sealed class SearchTests(SearchWorld world)
{
    private static readonly DateTimeOffset s_start = new(2026, 3, 20, 8, 0, 0, TimeSpan.Zero);

    private static CallOptions Options => new(deadline: DateTime.UtcNow + Calls.Patience);

    [Fact]
    public Task SearchEntries_SeededFilters_FindWhatANaiveScanFinds() => FindsAsNaivelyAsync(1, 30, 25);

    [Theory]
    [InlineData(2)]
    [InlineData(20261125)]
    [Trait("Category", "Long")]
    public Task SearchEntries_ManySeededFilters_FindWhatANaiveScanFinds(int seed) =>
        FindsAsNaivelyAsync(seed, 60, 150);

    private async Task FindsAsNaivelyAsync(int seed, int batches, int filters)
    {
        await using SearchHost host = await world.AloneAsync();
        SeededEvents seeded = new(seed);
        List<(AuditEvent Event, DateTimeOffset Written)> all = [];
        for (int batch = 0; batch < batches; batch++) // over months
        {
            host.Time.Advance(TimeSpan.FromHours(seeded.Below(120)));
            AuditEvent[] events = [.. Enumerable.Range(0, 40).Select(_ => seeded.Next(host.Time.GetUtcNow()))];
            await host.WriteAsync(events);
            all.AddRange(events.Select(e => (e, host.Time.GetUtcNow())));
        }
        AuditSearchService.AuditSearchServiceClient client = host.As("platform");
        int nonempty = 0;
        for (int i = 0; i < filters; i++)
        {
            AuditFilter filter = seeded.Filter(s_start, host.Time.GetUtcNow());
            string[] expected = [.. all.Where(a => SeededEvents.Finds(filter, a.Event, a.Written))
                .Select(a => a.Event.Id).Reverse()];

            List<FoundEntry> found = await AllAsync(client, filter, 30 + seeded.Below(200));

            Assert.True(expected.SequenceEqual(found.Select(f => f.Event.Id)),
                $"seed {seed}, filter {i} {filter}: {expected.Length} expected, {found.Count} found");
            nonempty += expected.Length > 0 ? 1 : 0;
        }
        Assert.True(nonempty > filters / 3, $"seed {seed}: only {nonempty} filters found anything");
    }

    [Fact]
    public async Task SearchEntries_Entry_IsReadableAgainUntilThePersonIsErased()
    {
        await using SearchHost host = await world.AloneAsync();
        AuditEvent written = new SeededEvents(3).Next(s_start);
        (written.Tenant, written.Subject) = ("demo", "patient-7");
        written.Actor = new AuditActor { Principal = "lepton/anna", Address = "192.0.2.1", TokenId = "t" };
        await host.WriteAsync(written);
        AuditSearchService.AuditSearchServiceClient client = host.As("demo");

        FoundEntry found = Assert.Single(await AllAsync(client, new AuditFilter { Actor = "lepton/anna" }));
        Assert.Equal((written, "eu-west/a", 1UL), (found.Event, found.Log, found.Sequence));
        Assert.Single(await AllAsync(client, new AuditFilter { Subject = "patient-7" }));

        PersonKeys keys = host.Services.GetRequiredService<PersonKeys>();
        keys.Destroy(keys.HandleOf("demo", "lepton/anna"), []);

        Assert.Empty(await AllAsync(client, new AuditFilter { Actor = "lepton/anna" }));
        FoundEntry erased = Assert.Single(await AllAsync(client, new AuditFilter { Subject = "patient-7" }));
        Assert.True(erased is { ActorErased: true, SubjectErased: false });
        Assert.Null(erased.Event.Actor);
    }

    [Fact]
    public async Task SearchEntries_WhileEventsComeInBothZones_PagesAreWholeOrderedAndDisjoint()
    {
        SeededEvents seeded = new(11);
        List<string> before = [];
        for (int i = 0; i < 30; i++)
        {
            SearchHost host = i % 3 == 0 ? world.B : world.A;
            host.Time.Advance(TimeSpan.FromMinutes(1 + seeded.Below(9000)));
            AuditEvent[] events = [.. Enumerable.Range(0, 10).Select(_ => Marked(seeded, host, "paging"))];
            await host.WriteAsync(events);
            before.AddRange(events.Select(e => e.Id));
        }
        AuditSearchService.AuditSearchServiceClient client = world.B.As("platform");
        SearchEntriesRequest request = new() { Filter = new AuditFilter { Service = "paging" }, PageSize = 7 };
        List<FoundEntry> found = [];
        do
        {
            SearchEntriesResponse page = await client.SearchEntriesAsync(request, Options);
            Assert.Equal(["eu-west/a", "eu-west/b"], page.Logs);
            found.AddRange(page.Entries);
            request.PageToken = page.NextPageToken;
            foreach (SearchHost host in (SearchHost[])[world.A, world.B]) // what comes now is not in this search
            {
                host.Time.Advance(TimeSpan.FromSeconds(1));
                await host.WriteAsync(Marked(seeded, host, "paging"));
            }
        }
        while (request.PageToken.Length > 0);

        Assert.Equal(before.Order(), found.Select(f => f.Event.Id).Order());
        Assert.Equal(found.Select(f => f.WriteTime.ToDateTimeOffset()).OrderDescending(),
            found.Select(f => f.WriteTime.ToDateTimeOffset()));
        Assert.All(found.GroupBy(f => f.Log), log => Assert.Equal(
            log.Select(f => f.Sequence).OrderDescending(), log.Select(f => f.Sequence)));
        // A token is of its filter.
        request.PageToken = (await client.SearchEntriesAsync(
            new SearchEntriesRequest { Filter = request.Filter, PageSize = 1 }, Options)).NextPageToken;
        request.Filter.Action = "another";
        Assert.Equal("PAGE_TOKEN_INVALID", await Calls.RefusalAsync(
            async () => await client.SearchEntriesAsync(request, Options)));
    }

    [Fact]
    public async Task SearchEntries_AZoneThatIsGone_IsNamedAndLeftOutOnlyWhereAllowed()
    {
        await using SearchHost host = await world.LonelyAsync();
        await host.WriteAsync(new SeededEvents(5).Next(s_start));
        AuditSearchService.AuditSearchServiceClient client = host.As("platform");

        RpcException refused = await Assert.ThrowsAsync<RpcException>(
            async () => await client.SearchEntriesAsync(new SearchEntriesRequest(), Options));
        SearchEntriesResponse part = await client.SearchEntriesAsync(
            new SearchEntriesRequest { AllowMissingLogs = true }, Options);

        Assert.Equal((StatusCode.Unavailable, "LOGS_MISSING"), (refused.StatusCode, RpcErrors.ReasonOf(refused)));
        Assert.Single(part.Entries);
        Assert.Equal(["eu-west/b"], part.MissingLogs);
    }

    [Fact]
    public async Task SearchEntries_OfTenants_AreTheirOwnUnlessARoleIsForAll()
    {
        await using SearchHost host = await world.AloneAsync();
        SeededEvents seeded = new(8);
        await host.WriteAsync([.. Enumerable.Range(0, 40).Select(_ => seeded.Next(s_start))]);
        AuditSearchService.AuditSearchServiceClient demo = host.As("demo");

        List<FoundEntry> own = await AllAsync(demo, new AuditFilter());

        Assert.NotEmpty(own);
        Assert.All(own, f => Assert.Equal("demo", f.Event.Tenant));
        Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(async () => await demo.SearchEntriesAsync(
            new SearchEntriesRequest { Filter = new AuditFilter { Tenant = "platform" } }, Options)));
        Assert.Equal(40, (await AllAsync(host.As("platform"), new AuditFilter())).Count);
        Assert.Contains(host.Log.Events, e => e.Action == "audit.search" && e.Actor.Principal == "tenant/demo"
            && e.Category == AuditCategory.Audit && e.Outcome == AuditOutcome.Succeeded);
        Assert.Contains(host.Log.Events, e => e.Action == "audit.search" && e.Outcome == AuditOutcome.Denied
            && e.Reason == "CALLER_NOT_ALLOWED");
    }

    public static TheoryData<string, AuditFilter> Wrong => new()
    {
        { "filter.region", new() { Region = "us-east" } },
        { "filter.category", new() { Category = (AuditCategory)99 } },
        { "filter.trace_id", new() { TraceId = "XYZ" } },
        { "filter.event_id", new() { EventId = "1" } },
        { "filter.text", new() { Text = "a b c d e f g h i" } },
        { "filter.text", new() { Text = "&" } },
        { "filter.actor", new() { Actor = new string('x', 257) } },
        { "filter.to_time", new() { FromTime = new Timestamp { Seconds = 5 }, ToTime = new Timestamp { Seconds = 5 } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task SearchEntries_WrongField_IsNamed(string field, AuditFilter filter)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(async () => await world.A.As("platform")
            .SearchEntriesAsync(new SearchEntriesRequest { Filter = filter }, Options));

        Assert.Equal("FIELD_INVALID", RpcErrors.ReasonOf(refused));
        Assert.StartsWith(field + ":", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryRpc_EveryRoleRegionAndService_IsLetInExactlyAsWritten()
    {
        await using SearchHost host = await world.AloneAsync();
        host.Services.GetRequiredService<AccessFile>().Use(System.Text.Encoding.UTF8.GetBytes(
            AccessWalk.Document().Replace("\"version\": 2", "\"version\": 3", StringComparison.Ordinal)), 3);
        AccessWalk walk = new(world.Installation, host.Url, new Dictionary<string, string>
        {
            ["lepton.compliance.v1.AuditSearchService/SearchEntries"] = "auditor audit-officer admin |",
            ["lepton.compliance.v1.AuditSearchService/ExportEntries"] = "audit-officer admin |",
            ["lepton.compliance.v1.AuditSearchService/SearchLog"] = "| compliance",
        }, "routing", "sync", "compliance");

        Assert.Equal("", await walk.DifferencesAsync(
            [.. AuditSearchService.Descriptor.Methods.Select(m => $"{m.Service.FullName}/{m.Name}")]));
    }

    private static AuditEvent Marked(SeededEvents seeded, SearchHost host, string service)
    {
        AuditEvent e = seeded.Next(host.Time.GetUtcNow());
        e.Service = service;
        return e;
    }

    private static async Task<List<FoundEntry>> AllAsync(
        AuditSearchService.AuditSearchServiceClient client, AuditFilter filter, int pageSize = 100)
    {
        SearchEntriesRequest request = new() { Filter = filter, PageSize = pageSize };
        List<FoundEntry> found = [];
        do
        {
            SearchEntriesResponse page = await client.SearchEntriesAsync(request, Options);
            Assert.True(page.Entries.Count <= pageSize);
            found.AddRange(page.Entries);
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return found;
    }
}
