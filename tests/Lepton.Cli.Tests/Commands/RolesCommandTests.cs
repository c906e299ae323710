using System.Text.Json;
using Lepton.Cli.Platform;
using Lepton.Cli.Tests.Gateway;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;

namespace Lepton.Cli.Tests.Commands;

/// <summary>C2: roles by call, from the command line to a compliance service over TLS.</summary>
public sealed class RolesCommandTests : IAsyncLifetime
{
    private readonly CliFixture cli = new();
    private FakeGateway? compliance;

    private Answers Answers => compliance!.Answers;

    public async Task InitializeAsync()
    {
        compliance = await FakeGateway.StartAsync(cli.Pki, "eu-west", "compliance");
        PlatformFile platform = cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));
        (platform with { Regions = [platform.Regions[0] with { ComplianceUrls = [compliance.Url] }] }).Write(
            cli.Installation.Instance("default").PlatformFile);
    }

    public async Task DisposeAsync()
    {
        await compliance!.DisposeAsync();
        cli.Dispose();
    }

    [Fact]
    public async Task Grant_WithAnEnd_SendsItAndSaysWhatHolds()
    {
        Assert.Equal(0, await cli.RunAsync("roles", "grant", "operator", "--to", "lepton/anna",
            "--in", "eu-west", "us-east", "--days", "7", "--reason", "on call"));

        GrantRoleRequest sent = Assert.IsType<GrantRoleRequest>(Assert.Single(Answers.RoleRequests));
        Assert.Equal(("operator", "lepton/anna", "on call"), (sent.Role, sent.Principal, sent.Reason));
        Assert.Equal(["eu-west", "us-east"], sent.Regions);
        Assert.NotNull(sent.ExpireTime);
        Assert.Contains("lepton/anna: operator in eu-west, us-east", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grant_ThatWaits_SaysHowItIsApproved()
    {
        Assert.Equal(0, await cli.RunAsync(
            "roles", "grant", "auditor", "--to-tenant", "watch", "--in", "*", "--reason", "x"));

        GrantRoleRequest sent = (GrantRoleRequest)Assert.Single(Answers.RoleRequests);
        Assert.Contains($"./lepton roles approve {sent.RequestId}", cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("grant", "operator", "--to", "lepton/a", "--reason", "x")] // where?
    [InlineData("grant", "operator", "--to", "lepton/a", "--in", "*")] // why?
    [InlineData("grant", "operator", "--to", "lepton/a", "--in", "*", "--reason", "x", "--days", "0")]
    [InlineData("break-glass", "admin", "--in", "*", "--reason", "x", "--minutes", "0.5")]
    [InlineData("who-can", "FLY", "--in", "eu-west")]
    [InlineData("who-can", "5", "--in", "eu-west")]
    public async Task Roles_WrongWords_SendNothing(params string[] words)
    {
        Assert.Equal(2, await cli.RunAsync(["roles", .. words]));
        Assert.Empty(Answers.RoleRequests);
    }

    [Fact]
    public async Task BreakGlass_Minutes_AreADuration()
    {
        Assert.Equal(0, await cli.RunAsync(
            "roles", "break-glass", "admin", "--in", "eu-west", "--minutes", "15", "--reason", "nodes down", "--json"));

        Assert.Equal(900, ((BreakGlassRequest)Assert.Single(Answers.RoleRequests)).Duration.Seconds);
        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.True(json.RootElement.GetProperty("emergency").GetBoolean());
    }

    [Fact]
    public async Task WhoCan_SeveralPages_AreOneAnswer()
    {
        Assert.Equal(0, await cli.RunAsync("roles", "who-can", "NODES_MANAGE", "--in", "eu-west", "--with", "demo"));

        Assert.All(Answers.RoleRequests, r => Assert.Equal((Permission.NodesManage, "demo"),
            (((WhoCanRequest)r).Permission, ((WhoCanRequest)r).Tenant)));
        Assert.Contains("lepton/anna", cli.Output, StringComparison.Ordinal);
        Assert.Contains("lepton/[ben]", cli.Output, StringComparison.Ordinal); // no markup
        Assert.Contains("while acting for demo", cli.Output, StringComparison.Ordinal);
    }
}
