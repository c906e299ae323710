using System.Text;
using Lepton.Platform.V1;
using Lepton.Testing;

namespace Lepton.ServiceDefaults.Tests.Access;

/// <summary>C2: what the file of roles and tenants may say, and what follows from it.</summary>
public sealed class AccessDocumentTests
{
    [Theory]
    [InlineData("""{ "assignments": [], "tenants": {} }""", "version")]
    [InlineData("""{ "version": 0, "assignments": [], "tenants": {} }""", "version")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": {}, "more": 1 }""", "more")]
    [InlineData("""{ "version": 1, "version": 2, "assignments": [], "tenants": {} }""", "version")]
    [InlineData("""{ "version": 1, "assignments": [{ "role": "viewer", "regions": ["*"] }], "tenants": {} }""",
        "assignments[0] takes either principal or tenant")]
    [InlineData("""
        { "version": 1, "assignments": [{ "tenant": "a", "principal": "b/c", "role": "viewer", "regions": ["*"] }],
          "tenants": {} }
        """, "assignments[0] takes either principal or tenant")]
    [InlineData("""
        { "version": 1, "assignments": [{ "tenant": "a", "role": "king", "regions": ["*"] }],
          "tenants": {} }
        """, "assignments[0].role")]
    [InlineData("""
        { "version": 1, "assignments": [{ "tenant": "a", "role": "viewer", "regions": [] }],
          "tenants": {} }
        """, "assignments[0].regions")]
    [InlineData("""
        { "version": 1, "assignments": [{ "tenant": "a", "role": "viewer", "regions": ["EU"] }],
          "tenants": {} }
        """, "assignments[0].regions")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": { "A b": {} } }""", "A b")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": { "a": { "priorities": ["urgent"] } } }""",
        "tenants.a.priorities")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": { "a": { "requestsPerSecond": -1 } } }""",
        "tenants.a.requestsPerSecond")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": { "a": { "burst": 5 } } }""", "tenants.a.burst")]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": { "a": { "concurrentRequests": 1.5 } } }""",
        "concurrentRequests")]
    [InlineData("[]", "$")]
    [InlineData("null", "JSON object")]
    public void Read_WrongContent_NamesTheField(string json, string named)
    {
        var refused = Assert.Throws<AccessFileException>(() => AccessDocument.Read(Encoding.UTF8.GetBytes(json)));
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TheRepositorysFile_IsRightAndGivesTheOwnerAll()
    {
        var file = MetricList.RepositoryFile("deploy/access.json");
        var document = AccessDocument.Read(File.ReadAllBytes(file));

        var owner = new AccessSnapshot(document, "eu-west").GrantsOf(Tenant("platform"));

        Assert.Equal(Roles.All["admin"], owner.Own);
        Assert.Equal(owner.Own, owner.AllTenants);
    }

    [Theory]
    [InlineData("ap-southeast", true)]
    [InlineData("eu-west", false)]
    public void GrantsOf_OperatorOfARegion_HoldsThereOnly(string region, bool holds)
    {
        var snapshot = Snapshot(region, """{ "tenant": "apac", "role": "operator", "regions": ["ap-southeast"] }""");

        Assert.Equal(holds, snapshot.GrantsOf(Tenant("apac")).Own.Has(Permission.NodesManage));
        Assert.False(snapshot.GrantsOf(Tenant("other")).Own.Has(Permission.NodesRead));
    }

    [Fact]
    public void GrantsOf_SeveralAssignments_AreTheirUnion()
    {
        var snapshot = Snapshot("eu-west",
            """{ "tenant": "a", "role": "service", "regions": ["*"] }""",
            """{ "principal": "lepton/anna", "role": "auditor", "regions": ["eu-west"], "allTenants": true }""",
            """{ "tenant": "*", "role": "billing", "regions": ["us-east"] }""");

        var anna = snapshot.GrantsOf(Caller.OfToken("lepton", "anna", "a"));
        var other = snapshot.GrantsOf(Caller.OfToken("lepton", "bert", "a"));

        Assert.True(anna.Own.Has(Permission.Infer) && anna.Own.Has(Permission.AuditRead));
        Assert.True(anna.AllTenants.Has(Permission.DecisionsRead) && !anna.AllTenants.Has(Permission.Infer));
        Assert.True(other.Own.Has(Permission.Infer) && !other.Own.Has(Permission.AuditRead));
        Assert.False(anna.Own.Has(Permission.CostsRead));
    }

    [Fact]
    public void GrantsOf_AnyTenant_IsForTenantsAndNoServices()
    {
        var snapshot = Snapshot("eu-west", """{ "tenant": "*", "role": "admin", "regions": ["*"] }""");

        Assert.True(snapshot.GrantsOf(Tenant("whoever")).Own.Has(Permission.RolesManage));
        Assert.Equal(default, snapshot.GrantsOf(Caller.Parse("spiffe://lepton.local/region/eu-west/service/routing")!));
    }

    [Fact]
    public void PermissionSet_EachPermission_IsItsOwn()
    {
        foreach (var permission in Enum.GetValues<Permission>().Where(p => p != Permission.Unspecified))
            Assert.Equal([permission], new PermissionSet(permission).Each());
        Assert.False(new PermissionSet(Permission.Unspecified).Has(Permission.Unspecified));
    }

    [Fact]
    public void Roles_Admin_HoldsWhatAnyOtherDoes() => Assert.All(Roles.All.Values,
        role => Assert.Equal(Roles.All["admin"], Roles.All["admin"].With(role)));

    private static Caller Tenant(string name) => Caller.Parse($"spiffe://lepton.local/tenant/{name}")!;

    private static AccessSnapshot Snapshot(string region, params string[] assignments) => new(
        AccessDocument.Read(Encoding.UTF8.GetBytes(
            $$"""{ "version": 1, "assignments": [{{string.Join(',', assignments)}}], "tenants": {} }""")), region);
}
