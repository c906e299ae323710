using Lepton.Compliance.Roles;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Tests.Roles;

/// <summary>C2: what may be granted, approved, taken away and taken in an emergency; knows no record and no wire.</summary>
public sealed class RoleBookTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly AccessDocument Access = AccessDocument.Read("""
        { "version": 1, "tenants": {},
          "duties": [{ "name": "watchers", "apart": ["AUDIT_READ", "NODES_MANAGE"] },
                     { "name": "stewards", "apart": ["steward", "billing"] }],
          "assignments": [
            { "tenant": "platform", "role": "admin", "regions": ["*"], "allTenants": true },
            { "tenant": "apac", "role": "operator", "regions": ["ap-southeast"] },
            { "principal": "lepton/otto", "role": "operator", "regions": ["eu-west"] }] }
        """u8);

    private static readonly RoleActor Owner = Actor("tenant/platform", "platform",
        Assigned("admin", true, "*"));

    private static readonly RoleActor Second = Actor("lepton/zoe", "platform", Assigned("admin", true, "*"));

    private static readonly RoleActor European = Actor("lepton/eva", "eu", Assigned("admin", true, "eu-west"));

    [Fact]
    public void Grant_ARole_IsAddedAndVersionCountsUp()
    {
        var changed = Changed(Book().Grant(Owner, Role("a", "viewer")));

        Assert.Equal((1, "a", false), (changed.Next.Version, changed.Next.Assignments.Single().Id,
            changed.Role.Pending));
    }

    [Theory]
    [InlineData("auditor")]
    [InlineData("admin")]
    [InlineData("audit-officer")]
    public void Grant_ARoleThatNeedsApproval_WaitsForASecondPerson(string role)
    {
        var waits = Changed(Book().Grant(Owner, Role("a", role)));
        Assert.True(waits.Role.Pending);
        RoleBook book = Book(waits.Next);

        Assert.Equal(ErrorReason.SecondPersonNeeded, Refused(book.Approve(Owner, "a")));
        Assert.Equal(ErrorReason.SelfGrant,
            Refused(book.Approve(Actor("lepton/anna", "x", Assigned("admin", true, "*")), "a")));
        Assert.Equal(ErrorReason.ScopeNotHeld,
            Refused(book.Approve(Actor("lepton/ben", "x", Assigned("admin", true, "us-east")), "a")));
        var approved = Changed(book.Approve(Second, "a"));

        Assert.Equal((false, "lepton/zoe"), (approved.Role.Pending, approved.Role.ApprovedBy));
        Assert.Equal(approved.Role, approved.Next.Assignments.Single());
        Assert.IsType<RoleOutcome.Same>(Book(approved.Next).Approve(Second, "a"));
    }

    [Fact]
    public void Approve_TooLate_IsNotThereAnyMore()
    {
        var waits = Changed(Book().Grant(Owner, Role("a", "auditor")));

        Assert.Equal(ErrorReason.AssignmentUnknown,
            Refused(Book(waits.Next, Now + TimeSpan.FromDays(3)).Approve(Second, "a")));
    }

    [Theory]
    [InlineData("tenant/platform", null)] // himself
    [InlineData(null, "platform")] // whoever acts for his tenant
    public void Grant_ToOneself_IsRefused(string? principal, string? tenant)
    {
        GrantedRole role = Role("a", "viewer") with { Principal = principal, Tenant = tenant };

        Assert.Equal(ErrorReason.SelfGrant, Refused(Book().Grant(Owner, role)));
        if (principal is not null) // the certificate of his tenant is one that he may hold, too
            Assert.Equal(ErrorReason.SelfGrant, Refused(Book().Grant(Second, role)));
    }

    [Theory]
    [InlineData("eu-west", true)]
    [InlineData("us-east", false)]
    [InlineData("*", false)]
    public void Grant_ByAnAdminOfARegion_ReachesThatRegionAlone(string region, bool granted)
    {
        RoleOutcome outcome = Book().Grant(European, Role("a", "viewer") with { Regions = [region] });

        Assert.Equal(granted, outcome is RoleOutcome.Changed);
        if (!granted)
            Assert.Equal(ErrorReason.ScopeNotHeld, Refused(outcome));
    }

    [Fact]
    public void Grant_ByAnAdminOfHisOwnTenantOrOfAnEmergency_IsRefused()
    {
        RoleActor own = Actor("lepton/own", "demo", Assigned("admin", false, "*"));
        RoleActor emergency = Actor("lepton/otto", "demo", Assigned("admin", true, "*") with { IsEmergency = true });

        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(Book().Grant(own, Role("a", "viewer"))));
        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(Book().Grant(emergency, Role("a", "viewer"))));
        // To contain somebody is what emergencies are for.
        RolesDocument granted = Changed(Book().Grant(Owner, Role("a", "viewer"))).Next;
        Assert.Empty(Changed(Book(granted).Revoke(emergency, "a")).Next.Assignments);
    }

    [Theory]
    [InlineData("lepton/otto", "auditor", "eu-west", "watchers")] // AUDIT_READ to who has NODES_MANAGE
    [InlineData("lepton/otto", "auditor", "*", "watchers")]
    [InlineData("lepton/otto", "auditor", "us-east", null)] // not in one region
    [InlineData("lepton/otto", "viewer", "eu-west", null)]
    [InlineData("lepton/otto", "admin", "eu-west", null)] // holds both by itself: whoever minds names the role
    [InlineData("lepton/anna", "auditor", "eu-west", null)] // another's hand
    [InlineData("lepton/bill", "steward", "eu-west", "stewards")]
    public void Grant_WhatIsKeptApart_IsRefused(string principal, string role, string region, string? rule)
    {
        RolesDocument before = Changed(Book().Grant(Owner, Role("b", "billing") with { Principal = "lepton/bill" })).Next;

        RoleOutcome outcome = Book(before).Grant(
            Owner, Role("a", role) with { Principal = principal, Regions = [region] });

        if (rule is null)
            Assert.IsType<RoleOutcome.Changed>(outcome);
        else
            Assert.Equal((ErrorReason.DutiesConflict, rule),
                (Refused(outcome), ((RoleOutcome.Refused)outcome).Metadata!["rule"]));
    }

    [Fact]
    public void Approve_WhatHasComeToBeKeptApartMeanwhile_IsRefused()
    {
        RolesDocument waits = Changed(Book().Grant(Owner, Role("a", "auditor"))).Next;
        RolesDocument operates = Changed(Book(waits).Grant(Owner, Role("b", "operator"))).Next;

        Assert.Equal(ErrorReason.DutiesConflict, Refused(Book(operates).Approve(Second, "a")));
        RolesDocument revoked = Changed(Book(operates).Revoke(Owner, "b")).Next;
        Assert.False(Changed(Book(revoked).Approve(Second, "a")).Role.Pending);
    }

    [Fact]
    public void Grant_SentAgain_IsGrantedOnce()
    {
        RolesDocument first = Changed(Book().Grant(Owner, Role("a", "viewer"))).Next;

        Assert.IsType<RoleOutcome.Same>(Book(first).Grant(Owner, Role("a", "viewer")));
        Assert.Equal(ErrorReason.RequestIdUsed, Refused(Book(first).Grant(Owner, Role("a", "operator"))));
    }

    [Fact]
    public void Revoke_OfTheAccessFile_WithdrawsItAndNeverTheOwner()
    {
        string owner = Access.Assignments[0].Id, apac = Access.Assignments[1].Id;

        Assert.Equal(ErrorReason.SeedProtected, Refused(Book().Revoke(Second, owner)));
        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(Book().Revoke(European, apac)));
        var gone = Changed(Book().Revoke(Owner, apac));

        Assert.Equal([apac], gone.Next.Withdrawn);
        Assert.IsType<RoleOutcome.Same>(Book(gone.Next).Revoke(Owner, apac));
        Assert.Equal(ErrorReason.AssignmentUnknown, Refused(Book().Revoke(Owner, "nothing")));
    }

    [Fact]
    public void BreakGlass_ByAnOperator_IsAtOnceAndWhereHeOperates()
    {
        RoleActor otto = Actor("lepton/otto", "demo", Assigned("operator", false, "eu-west"));
        GrantedRole wanted = Role("e", "admin") with
        {
            Principal = "lepton/otto", Emergency = true, Expires = Now.AddHours(1),
        };

        var taken = Changed(Book().BreakGlass(otto, wanted));

        Assert.False(taken.Role.Pending);
        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(Book().BreakGlass(otto, wanted with { Regions = ["us-east"] })));
        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(Book().BreakGlass(otto, wanted with { AllTenants = true })));
        Assert.Equal(ErrorReason.ScopeNotHeld, Refused(
            Book().BreakGlass(Actor("lepton/otto", "demo", Assigned("viewer", false, "*")), wanted)));
        // Over, it is dropped with the next change.
        Assert.Equal("x", Assert.Single(Changed(Book(taken.Next, Now.AddHours(1)).Grant(
            Owner, Role("x", "viewer"))).Next.Assignments).Id);
    }

    [Fact]
    public void Grant_BeyondTheLimit_IsRefused()
    {
        RolesDocument full = new()
        {
            Version = 7,
            Assignments = [.. Enumerable.Range(0, RolesDocument.AssignmentsMax).Select(i => Role($"r{i}", "viewer"))],
        };

        Assert.Equal(ErrorReason.RolesFull, Refused(Book(full).Grant(Owner, Role("a", "viewer"))));
    }

    private static RoleBook Book(RolesDocument? granted = null, DateTimeOffset? now = null) =>
        new(Access, granted ?? RolesDocument.None, now ?? Now, TimeSpan.FromDays(3));

    private static RoleOutcome.Changed Changed(RoleOutcome outcome) => Assert.IsType<RoleOutcome.Changed>(outcome);

    private static ErrorReason Refused(RoleOutcome outcome) => Assert.IsType<RoleOutcome.Refused>(outcome).Reason;

    private static RoleActor Actor(string principal, string tenant, AccessDocument.Assignment held) =>
        new(principal, tenant, [held]);

    private static AccessDocument.Assignment Assigned(string role, bool allTenants, string region) =>
        new() { Tenant = "x", Role = role, Regions = [region], AllTenants = allTenants };

    private static GrantedRole Role(string id, string role) => new()
    {
        Id = id, Principal = "lepton/anna", Role = role, Regions = ["eu-west"], GrantedBy = "tenant/platform",
        GrantedFor = "platform", GrantTime = Now, Reason = "needed",
    };
}
