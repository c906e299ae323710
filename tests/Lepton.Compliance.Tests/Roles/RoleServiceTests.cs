using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Tests.World;
using Xunit.Abstractions;

namespace Lepton.Compliance.Tests.Roles;

/// <summary>C2: roles by call, over real sockets, mutual TLS, real nodes of Sync and real PostgreSQL.</summary>
[Collection("roles")]
public sealed class RoleServiceTests(RolesWorld world, ITestOutputHelper output)
{
    private static int s_number;

    private readonly string _someone = $"lepton/p{Interlocked.Increment(ref s_number)}";

    private static CallOptions Options => new(deadline: DateTime.UtcNow + Calls.Patience);

    [Fact]
    public async Task Grant_InOneRegion_HoldsInAnotherWithinSecondsAndRevokedNoMore()
    {
        RoleService.RoleServiceClient west = world.West.As("platform");
        Assert.False(Holds(world.East, _someone, Permission.NodesManage));

        Stopwatch watch = Stopwatch.StartNew();
        Assignment granted = (await west.GrantRoleAsync(Grant(_someone, "operator", "us-east"), Options)).Assignment;
        await UntilAsync(() => Holds(world.East, _someone, Permission.NodesManage));
        output.WriteLine($"granted at eu-west, in force at us-east after {watch.ElapsedMilliseconds} ms (5,000 at most)");

        Assert.False(Holds(world.West, _someone, Permission.NodesManage)); // only there
        Assert.Equal((AssignmentState.Active, "tenant/platform"), (granted.State, granted.GrantedBy));
        Assignment listed = Assert.Single((await world.East.As("platform").ListAssignmentsAsync(
            new ListAssignmentsRequest { Principal = _someone }, Options)).Assignments);
        Assert.Equal(granted, listed);

        watch.Restart();
        await world.East.As("second").RevokeRoleAsync(
            new RevokeRoleRequest { AssignmentId = granted.AssignmentId, Reason = "left" }, Options);
        await UntilAsync(() => !Holds(world.East, _someone, Permission.NodesManage)
            && !world.West.Access.Current.Granted.Assignments.Any(a => a.Id == granted.AssignmentId));
        output.WriteLine($"revoked everywhere after {watch.ElapsedMilliseconds} ms");
        Assert.Contains(world.East.Log.Events, e => e.Action == "roles.revoke" && e.Message == "left"
            && e.Resource == $"roles/{granted.AssignmentId}" && e.Outcome == AuditOutcome.Succeeded);
    }

    [Fact]
    public async Task Grant_OfAuditor_WaitsAndHoldsWhenASecondPersonApprovesElsewhere()
    {
        Assignment waits = (await world.West.As("platform").GrantRoleAsync(
            Grant(_someone, "auditor", "*"), Options)).Assignment;
        Assert.Equal(AssignmentState.Pending, waits.State);
        ApproveRoleRequest approve = new() { AssignmentId = waits.AssignmentId };
        Assert.Equal("SECOND_PERSON_NEEDED", await Calls.RefusalAsync(
            async () => await world.West.As("platform").ApproveRoleAsync(approve, Options)));
        Assert.Equal("SCOPE_NOT_HELD", await Calls.RefusalAsync(
            async () => await world.West.As("europe").ApproveRoleAsync(approve, Options)));
        await UntilAsync(() => world.East.Access.Current.Granted.Assignments.Any(a => a.Id == waits.AssignmentId));
        Assert.False(Holds(world.East, _someone, Permission.AuditRead));

        Assignment approved = (await world.East.As("second").ApproveRoleAsync(approve, Options)).Assignment;

        Assert.Equal((AssignmentState.Active, "tenant/second"), (approved.State, approved.ApprovedBy));
        await UntilAsync(() => Holds(world.West, _someone, Permission.AuditRead)
            && Holds(world.East, _someone, Permission.AuditRead));
        Assert.Contains(world.West.Log.Events, e => e.Action == "roles.approve" && e.Outcome == AuditOutcome.Denied
            && e.Reason == "SECOND_PERSON_NEEDED" && e.Actor.Principal == "tenant/platform");
    }

    [Fact]
    public async Task Grant_ManyAtOnceFromTwoRegions_LosesNone()
    {
        string[] ids = [.. Enumerable.Range(0, 12).Select(_ => Guid.NewGuid().ToString("D"))];
        RoleService.RoleServiceClient west = world.West.As("platform"), east = world.East.As("platform");

        await Task.WhenAll(ids.Select(async (id, i) =>
        {
            GrantRoleRequest request = Grant($"{_someone}-{i}", "viewer", "*");
            request.RequestId = id;
            // Refused as busy it is sent again, as a client does; written before it is written once.
            await Calls.EventuallyAsync(async () => (await (i % 2 == 0 ? west : east).GrantRoleAsync(request, Options))
                .Assignment.AssignmentId == id);
        }));

        await UntilAsync(() => ids.All(id => world.East.Access.Current.Granted.Assignments.Any(a => a.Id == id))
            && ids.All(id => world.West.Access.Current.Granted.Assignments.Any(a => a.Id == id)));
        Assert.Equal(world.West.Access.Current.Granted.Write().ToArray(),
            world.East.Access.Current.Granted.Write().ToArray());
    }

    [Fact]
    public async Task BreakGlass_ByAnOperator_HoldsWithAnEndAndRaisesAnAlert()
    {
        RoleService.RoleServiceClient night = world.West.As("night");
        BreakGlassRequest request = new()
        {
            Role = "admin", Regions = { "eu-west" }, Duration = Duration.FromTimeSpan(TimeSpan.FromMinutes(10)),
            Reason = "the region's nodes do not answer",
        };

        Assignment taken = (await night.BreakGlassAsync(request, Options)).Assignment;

        Assert.True(taken.Emergency);
        await UntilAsync(() => Holds(world.West, "tenant/night", Permission.CostsManage));
        Assert.Equal(taken.ExpireTime.ToDateTimeOffset(), world.West.Access.Current.ChangesAt, TimeSpan.FromHours(1));
        Assert.False(Holds(world.East, "tenant/night", Permission.CostsManage));
        Assert.Contains(world.West.Log.Events, e => e.Category == AuditCategory.Security
            && e.Action == "roles.emergency" && e.Message.Contains("do not answer", StringComparison.Ordinal));
        // It does not hand out roles, which would outlast it.
        Assert.Equal("SCOPE_NOT_HELD", await Calls.RefusalAsync(
            async () => await night.GrantRoleAsync(Grant(_someone, "viewer", "eu-west"), Options)));
        request.Regions[0] = "us-east";
        Assert.Equal("SCOPE_NOT_HELD", await Calls.RefusalAsync(
            async () => await night.BreakGlassAsync(request, Options)));
    }

    [Fact]
    public async Task Revoke_OfTheAccessFile_TakesItAwayEverywhere()
    {
        Assignment old = Assert.Single((await world.West.As("platform").ListAssignmentsAsync(
            new ListAssignmentsRequest { Tenant = "old" }, Options)).Assignments);
        Assert.StartsWith("seed-", old.AssignmentId, StringComparison.Ordinal);
        Caller caller = Caller.Parse("spiffe://lepton.local/tenant/old")!;
        Assert.True(world.East.Access.Current.GrantsOf(caller).Own.Has(Permission.NodesRead));

        await world.West.As("platform").RevokeRoleAsync(
            new RevokeRoleRequest { AssignmentId = old.AssignmentId, Reason = "gone" }, Options);

        await UntilAsync(() => !world.East.Access.Current.GrantsOf(caller).Own.Has(Permission.NodesRead)
            && !world.West.Access.Current.GrantsOf(caller).Own.Has(Permission.NodesRead));
        Assert.Equal(AssignmentState.Withdrawn, Assert.Single((await world.West.As("platform").ListAssignmentsAsync(
            new ListAssignmentsRequest { Tenant = "old" }, Options)).Assignments).State);
    }

    [Fact]
    public async Task WhoCan_PermissionRegionTenant_NamesHoldersAndWhy()
    {
        await world.West.As("platform").GrantRoleAsync(Grant(_someone, "operator", "us-east"), Options);
        await UntilAsync(() => Holds(world.East, _someone, Permission.NodesManage));

        string[] east = await WhoAsync("us-east", ""), west = await WhoAsync("eu-west", "");

        Assert.Contains(_someone, east);
        Assert.DoesNotContain(_someone, west);
        Assert.Contains("night", west);
        Assert.DoesNotContain("night", east);
        Assert.Contains("platform", east);
        string[] demo = await WhoAsync("us-east", "demo");
        Assert.Contains($"{_someone} for demo", demo); // as long as he acts for it
        Assert.Contains("platform", demo); // for all tenants
        Assert.DoesNotContain("night", await WhoAsync("eu-west", "demo")); // acts for another
    }

    [Fact]
    public async Task ListAssignments_ByPagesAndByOneWithoutReach_IsWholeAndScoped()
    {
        ListAssignmentsRequest request = new() { PageSize = 2 };
        List<string> ids = [];
        do
        {
            ListAssignmentsResponse page = await world.West.As("platform").ListAssignmentsAsync(request, Options);
            ids.AddRange(page.Assignments.Select(a => a.AssignmentId));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        Assert.Equal(ids.Distinct().Order(StringComparer.Ordinal), ids);
        Assert.True(ids.Count >= 6);

        Assert.Equal(["watch"], (await world.West.As("watch").ListAssignmentsAsync(new(), Options))
            .Assignments.Select(a => a.Tenant));
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(
            async () => await world.West.As("nobody").ListAssignmentsAsync(new(), Options))).StatusCode);
    }

    [Fact]
    public async Task Grant_WithoutAnAuditLog_IsNotDone()
    {
        world.West.Log.IsFull = true;
        try
        {
            Assert.Equal("AUDIT_UNAVAILABLE", await Calls.RefusalAsync(async () =>
                await world.West.As("platform").GrantRoleAsync(Grant(_someone, "viewer", "*"), Options)));
        }
        finally
        {
            world.West.Log.IsFull = false;
        }
        Assert.Empty((await world.West.As("platform").ListAssignmentsAsync(
            new ListAssignmentsRequest { Principal = _someone }, Options)).Assignments);
        long before = world.West.Access.Current.Granted.Version;
        await world.West.As("platform").GrantRoleAsync(Grant(_someone, "viewer", "*"), Options);
        await UntilAsync(() => world.West.Access.Current.Granted.Version > before);
    }

    public static TheoryData<string, GrantRoleRequest> Wrong => new()
    {
        { "principal", new() { Role = "viewer", Regions = { "*" }, Reason = "x" } },
        { "principal", new() { Principal = "anna", Role = "viewer", Regions = { "*" }, Reason = "x" } },
        { "principal", new() { Principal = "a/b", Tenant = "c", Role = "viewer", Regions = { "*" }, Reason = "x" } },
        { "tenant", new() { Tenant = "A b", Role = "viewer", Regions = { "*" }, Reason = "x" } },
        { "tenant", new() { Tenant = "*", Role = "viewer", Regions = { "*" }, Reason = "x" } },
        { "role", new() { Principal = "a/b", Role = "king", Regions = { "*" }, Reason = "x" } },
        { "regions", new() { Principal = "a/b", Role = "viewer", Reason = "x" } },
        { "regions", new() { Principal = "a/b", Role = "viewer", Regions = { "*", "eu-west" }, Reason = "x" } },
        { "reason", new() { Principal = "a/b", Role = "viewer", Regions = { "*" } } },
        { "request_id", new() { Principal = "a/b", Role = "viewer", Regions = { "*" }, Reason = "x", RequestId = "1" } },
        { "expire_time", new() { Principal = "a/b", Role = "viewer", Regions = { "*" }, Reason = "x",
            ExpireTime = new Timestamp { Seconds = 1 } } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Grant_WrongField_IsNamed(string field, GrantRoleRequest request)
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(
            async () => await world.West.As("platform").GrantRoleAsync(request, Options));

        Assert.Equal("FIELD_INVALID", RpcErrors.ReasonOf(refused));
        Assert.StartsWith(field + ":", refused.Status.Detail, StringComparison.Ordinal);
    }

    private async Task<string[]> WhoAsync(string region, string tenant) =>
    [
        .. (await world.East.As("platform").WhoCanAsync(new WhoCanRequest
        {
            Permission = Permission.NodesManage, Region = region, Tenant = tenant,
        }, Options)).Holders.Select(h => h.Assignment.Principal + h.Assignment.Tenant
            + (h.OnlyForTenant.Length > 0 ? $" for {h.OnlyForTenant}" : "")),
    ];

    private static GrantRoleRequest Grant(string principal, string role, string region) => new()
    {
        Principal = principal, Role = role, Regions = { region }, Reason = "on call",
    };

    private static bool Holds(RolesHost host, string principal, Permission permission)
    {
        Caller caller = principal.StartsWith("tenant/", StringComparison.Ordinal)
            ? Caller.Parse($"spiffe://lepton.local/{principal}")!
            : Caller.OfToken("lepton", principal["lepton/".Length..], "any");
        return host.Access.Current.GrantsOf(caller).Own.Has(permission);
    }

    private static Task UntilAsync(Func<bool> holds) => Calls.EventuallyAsync(() => Task.FromResult(holds()));
}
