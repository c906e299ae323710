using System.Text.Json;
using Lepton.Cli.Platform;
using Lepton.Cli.Tests.Gateway;
using Lepton.Compliance.V1;

namespace Lepton.Cli.Tests.Commands;

/// <summary>C4: the audit log from the command line: found by what is asked, exported whole or not at all.</summary>
public sealed class AuditCommandTests : IAsyncLifetime
{
    private readonly CliFixture cli = new();
    private FakeGateway? compliance;

    private Answers Answers => compliance!.Answers;

    private string Folder => Path.Combine(cli.Home, "out");

    public async Task InitializeAsync()
    {
        compliance = await FakeGateway.StartAsync(cli.Pki, "eu-west", "compliance");
        PlatformFile platform = cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));
        (platform with { Regions = [platform.Regions[0] with { ComplianceUrls = [compliance.Url, compliance.Url] }] })
            .Write(cli.Installation.Instance("default").PlatformFile);
    }

    public async Task DisposeAsync()
    {
        await compliance!.DisposeAsync();
        cli.Dispose();
    }

    [Fact]
    public async Task Search_Filters_AreSentAndPagesAreOneAnswer()
    {
        Assert.Equal(0, await cli.RunAsync("audit", "search", "--actor", "lepton/anna", "--category", "management",
            "--outcome", "denied", "--since", "2026-06-01T12:00:00Z", "--until", "2026-07-01", "--text", "self grant*"));

        AuditFilter sent = ((SearchEntriesRequest)Answers.RoleRequests.First()).Filter;
        Assert.Equal(("lepton/anna", AuditCategory.Management, AuditOutcome.Denied, "self grant*"),
            (sent.Actor, sent.Category, sent.Outcome, sent.Text));
        Assert.Equal(new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero), sent.FromTime.ToDateTimeOffset());
        Assert.Equal(2, Answers.RoleRequests.Count);
        Assert.Contains("lepton/anna", cli.Output, StringComparison.Ordinal);
        Assert.Contains("(erased)", cli.Output, StringComparison.Ordinal);
        Assert.Contains("roles/[x]", cli.Output, StringComparison.Ordinal);
        Assert.Contains("denied (SELF_GRANT)", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Search_Limit_StopsAndSaysThatThereIsMore()
    {
        Assert.Equal(0, await cli.RunAsync("audit", "search", "--limit", "1", "--json"));

        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.True(json.RootElement.GetProperty("more").GetBoolean());
        Assert.Equal("aa", Assert.Single(json.RootElement.GetProperty("entries").EnumerateArray())
            .GetProperty("event").GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("search", "--category", "weather")]
    [InlineData("search", "--outcome", "2")]
    [InlineData("search", "--since", "yesterday")]
    [InlineData("search", "--limit", "0")]
    [InlineData("export", "out", "--format", "xml")]
    public async Task Audit_WrongWords_SendNothing(params string[] words)
    {
        Assert.Equal(2, await cli.RunAsync(["audit", .. words]));
        Assert.Empty(Answers.RoleRequests);
    }

    [Fact]
    public async Task Export_EachZone_IsAFileOfItsOwnForItsOwnerAlone()
    {
        Assert.Equal(0, await cli.RunAsync("audit", "export", Folder, "--format", "csv"));

        string[] files = [.. Directory.EnumerateFiles(Folder).Select(f => Path.GetFileName(f)).Order()];
        Assert.Equal(["audit-eu-west-a.csv", "audit-eu-west-b.csv"], files);
        string file = Path.Combine(Folder, files[0]);
        Assert.Equal("first\nsecond\n", await File.ReadAllTextAsync(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.All(Answers.RoleRequests, r => Assert.Equal(ExportFormat.Csv, ((ExportEntriesRequest)r).Format));
    }

    [Fact]
    public async Task Export_ThatBreaksOff_LeavesNoFile()
    {
        Assert.NotEqual(0, await cli.RunAsync("audit", "export", Folder, "--of", "broken"));
        Assert.Empty(Directory.EnumerateFiles(Folder));
    }
}
