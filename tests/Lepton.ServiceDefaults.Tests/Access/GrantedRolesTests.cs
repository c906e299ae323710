using System.Text;
using Lepton.Platform.V1;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults.Tests.Access;

/// <summary>C2: roles granted by call beside the access file: they add, end by the clock, lock no owner out.</summary>
public sealed class GrantedRolesTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly MovableTime time = new(Now);
    private readonly TestInstallation installation = new(Now) { Life = TimeSpan.FromDays(30) };

    public void Dispose() => installation.Dispose();

    [Fact]
    public void AccessWalk_RoleNames_AreAllThereAre() =>
        Assert.Equal(Roles.All.Keys.Order(), AccessWalk.RoleNames.Order());

    [Theory]
    [InlineData("""{ "assignments": [] }""", "version")]
    [InlineData("""{ "version": 0 }""", "version")]
    [InlineData("""{ "version": 1, "tenants": {} }""", "tenants")] // terms are none of its business
    [InlineData("""{ "version": 1, "assignments": [GRANT, GRANT] }""", "assignments[1].id")]
    [InlineData("""{ "version": 1, "assignments": [{ "id": "", MORE }] }""", "assignments[0].id")]
    [InlineData("""{ "version": 1, "assignments": [{ "id": "a", "tenant": "b", MORE }] }""", "either principal")]
    [InlineData("""{ "version": 1, "assignments": [{ "id": "a", "emergency": true, MORE }] }""", "expires")]
    [InlineData("""
        { "version": 1, "assignments": [{ "id": "a", "notBefore": "2026-01-02T00:00:00Z",
          "expires": "2026-01-01T00:00:00Z", MORE }] }
        """, "expires")]
    public void Read_WrongContent_NamesTheField(string json, string named)
    {
        const string More = """
            "principal": "lepton/anna", "role": "viewer", "regions": ["*"], "grantedBy": "a", "grantedFor": "b",
            "grantTime": "2026-01-01T00:00:00Z"
            """;
        json = json.Replace("GRANT", $$"""{ "id": "a", {{More}} }""", StringComparison.Ordinal)
            .Replace("MORE", More, StringComparison.Ordinal);

        var refused = Assert.Throws<AccessFileException>(() => RolesDocument.Read(Encoding.UTF8.GetBytes(json)));

        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_Document_ReadsAsTheSame()
    {
        RolesDocument document = new()
        {
            Version = 3,
            Assignments =
            [
                Grant("a", "operator") with { Reason = "nights", Expires = Now.AddDays(1), Emergency = true },
            ],
            Withdrawn = ["seed-1"],
        };

        var read = RolesDocument.Read(document.Write().Span);

        Assert.Equal(document.Write().ToArray(), read.Write().ToArray());
        Assert.Equal(Now.AddDays(1), Assert.Single(read.Assignments).Expires);
    }

    [Fact]
    public async Task Current_TimePasses_AssignmentsBeginAndEndWithoutAnyMessage()
    {
        await using var app = Start();
        var access = app.Services.GetRequiredService<AccessFile>();
        Use(access, new RolesDocument
        {
            Version = 1,
            Assignments =
            [
                Grant("later", "billing") with { NotBefore = Now.AddHours(1), Expires = Now.AddHours(3) },
                Grant("emergency", "admin") with { Expires = Now.AddMinutes(30), Emergency = true },
            ],
        });

        Assert.True(Holds(access, Permission.RolesManage));
        Assert.Equal(1, access.Current.Emergencies);
        Assert.False(Holds(access, Permission.CostsRead) && !Holds(access, Permission.RolesManage));

        time.Advance(TimeSpan.FromMinutes(30) - TimeSpan.FromTicks(1));
        Assert.True(Holds(access, Permission.RolesManage));
        time.Advance(TimeSpan.FromTicks(1));
        Assert.False(Holds(access, Permission.RolesManage));
        Assert.Equal(0, access.Current.Emergencies);
        Assert.False(Holds(access, Permission.CostsRead));
        time.Advance(TimeSpan.FromMinutes(30));
        Assert.True(Holds(access, Permission.CostsRead));
        time.Advance(TimeSpan.FromHours(2));
        Assert.False(Holds(access, Permission.CostsRead));
        Assert.Equal(DateTimeOffset.MaxValue, access.Current.ChangesAt);
    }

    [Fact]
    public async Task Current_WithTimesInIt_AllocatesNothing()
    {
        await using var app = Start();
        var access = app.Services.GetRequiredService<AccessFile>();
        Use(access, new RolesDocument
        {
            Version = 1, Assignments = [Grant("a", "operator") with { Expires = Now.AddHours(1) }],
        });
        var anna = Caller.OfToken("lepton", "anna", "b");
        var rule = AccessRule.For(Permission.NodesManage);
        Assert.True(access.Current.Allows(anna, rule));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            access.Current.Allows(anna, rule);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task UseRoles_PendingAndWithdrawn_HoldNothingAndTheOwnerStays()
    {
        await using var app = Start();
        var access = app.Services.GetRequiredService<AccessFile>();
        var seeds = access.Current.Document.Assignments;

        Use(access, new RolesDocument
        {
            Version = 1,
            Assignments = [Grant("waits", "auditor") with { Pending = true }],
            Withdrawn = [.. seeds.Select(s => s.Id)],
        });

        Assert.False(Holds(access, Permission.AuditRead));
        Assert.False(access.Current.GrantsOf(Tenant("apac")).Own.Has(Permission.NodesManage));
        Assert.True(access.Current.GrantsOf(Tenant("platform")).AllTenants.Has(Permission.RolesManage));
    }

    [Fact]
    public async Task Use_ANewAccessDocument_KeepsWhatWasGrantedByCall()
    {
        await using var app = Start();
        var access = app.Services.GetRequiredService<AccessFile>();
        Use(access, new RolesDocument { Version = 4, Assignments = [Grant("a", "operator")] });

        access.Use(Encoding.UTF8.GetBytes("""{ "version": 9, "assignments": [], "tenants": {} }"""), 9);

        Assert.True(Holds(access, Permission.NodesManage));
        Assert.Equal((9, 4), (access.Current.Version, access.Current.Granted.Version));
        Assert.Throws<AccessFileException>(() => access.UseRoles(new RolesDocument { Version = 5 }.Write(), 6));
        Assert.True(Holds(access, Permission.NodesManage));
    }

    [Theory]
    [InlineData("""{ "version": 1, "assignments": [], "tenants": {}, "approvals": ["king"] }""", "approvals")]
    [InlineData("""
        { "version": 1, "assignments": [], "tenants": {}, "duties": [{ "name": "a", "apart": ["admin", "admin"] }] }
        """, "duties[0]")]
    [InlineData("""
        { "version": 1, "assignments": [], "tenants": {}, "duties": [{ "name": "a", "apart": ["admin", "FLY"] }] }
        """, "duties[0].apart")]
    public void Read_WrongDuties_NamesTheField(string json, string named) => Assert.Contains(named,
        Assert.Throws<AccessFileException>(() => AccessDocument.Read(Encoding.UTF8.GetBytes(json))).Message,
        StringComparison.Ordinal);

    private static bool Holds(AccessFile access, Permission permission) =>
        access.Current.GrantsOf(Caller.OfToken("lepton", "anna", "b")).Own.Has(permission);

    private static Caller Tenant(string name) => Caller.Parse($"spiffe://lepton.local/tenant/{name}")!;

    private static void Use(AccessFile access, RolesDocument document) =>
        access.UseRoles(document.Write(), document.Version);

    private static GrantedRole Grant(string id, string role) => new()
    {
        Id = id, Principal = "lepton/anna", Role = role, Regions = ["eu-west"], GrantedBy = "tenant/platform",
        GrantedFor = "platform", GrantTime = Now,
    };

    // Not started: nothing here listens.
    private WebApplication Start()
    {
        installation.SignAccess("""
            { "version": 1, "tenants": {}, "assignments": [
              { "tenant": "platform", "role": "admin", "regions": ["*"], "allTenants": true },
              { "tenant": "apac", "role": "operator", "regions": ["*"] }] }
            """);
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(installation.Configuration("eu-west", "routing"));
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.AddServiceDefaults("routing");
        return builder.Build();
    }
}
