using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Lepton.Cli.Platform;
using Lepton.Cli.Tests.Gateway;
using Lepton.Sync.Client;

namespace Lepton.Cli.Tests.Commands;

/// <summary>C2: control data is published by who holds the signing key, forward only, as services verify it.</summary>
public sealed class PublishCommandTests : IAsyncLifetime
{
    private const string Record = "global platform control/residency";
    private readonly CliFixture cli = new();
    private FakeGateway? sync;

    private Answers Answers => sync!.Answers;

    private string Policy => Path.Combine(cli.Home, "deploy", "residency.json");

    public async Task InitializeAsync()
    {
        sync = await FakeGateway.StartAsync(cli.Pki, "eu-west", "sync");
        PlatformFile platform = cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));
        (platform with { Regions = [platform.Regions[0] with { SyncUrls = [sync.Url] }] }).Write(
            cli.Installation.Instance("default").PlatformFile);
        cli.ShowTenant("platform");
        (string certificate, string key) = cli.Pki.Issue(
            "signer", "spiffe://lepton.local/access", [SignedContent.KeyUsage]);
        Directory.CreateDirectory(Path.GetDirectoryName(cli.Installation.Signer.Key)!);
        File.Copy(certificate, cli.Installation.Signer.Certificate);
        File.Copy(key, cli.Installation.Signer.Key);
        Directory.CreateDirectory(Path.GetDirectoryName(Policy)!);
        Write(2, "first");
    }

    public async Task DisposeAsync()
    {
        await sync!.DisposeAsync();
        cli.Dispose();
    }

    [Fact]
    public async Task Publish_FirstAndNext_AreRecordsThatServicesTake()
    {
        Assert.Equal(0, await cli.RunAsync("policy", "publish", "--json"));

        SignedContent first = Read();
        Assert.Equal((2, File.ReadAllText(Policy)), (first.Version, Encoding.UTF8.GetString(first.Content.Span)));
        using (JsonDocument json = JsonDocument.Parse(cli.Output))
            Assert.Equal((2, true), (json.RootElement.GetProperty("version").GetInt32(),
                json.RootElement.GetProperty("written").GetBoolean()));
        Assert.Contains(Answers.Callers, c => c.Certificate == "CN=tenant-platform");

        Write(3, "second");
        Assert.Equal(0, await cli.RunAsync("policy", "publish", Policy));

        Assert.Equal(3, Read().Version);
        Assert.Contains("control/residency is of version 3 now.", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_Access_IsARecordOfItsOwn()
    {
        string file = Path.Combine(cli.Home, "access.json");
        File.WriteAllText(file, """{ "version": 7, "assignments": [], "tenants": {} }""");

        Assert.Equal(0, await cli.RunAsync("access", "publish", file));

        Assert.Equal("global platform control/access", Assert.Single(Answers.Records).Key);
    }

    [Fact]
    public async Task Publish_TheSameAgain_WritesNothing()
    {
        await cli.RunAsync("policy", "publish");

        Assert.Equal(0, await cli.RunAsync("policy", "publish"));

        Assert.Equal(1, Answers.Records[Record].Version);
        Assert.Contains("already", cli.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)] // back
    [InlineData(2)] // another content under the same number
    public async Task Publish_NotNewer_IsRefusedAndSaysWhich(long version)
    {
        await cli.RunAsync("policy", "publish");
        Write(version, "another");

        Assert.Equal(1, await cli.RunAsync("policy", "publish"));

        Assert.Contains("Version 2 of control/residency is there", cli.Error, StringComparison.Ordinal);
        Assert.Equal(1, Answers.Records[Record].Version);
    }

    [Fact]
    public async Task Publish_OverWhatIsNoControlData_ReplacesIt()
    {
        Answers.Records[Record] = (ByteString.CopyFromUtf8("by hand"), 4);

        Assert.Equal(0, await cli.RunAsync("policy", "publish"));

        Assert.Equal(5, Answers.Records[Record].Version);
        Assert.Equal(2, Read().Version);
    }

    [Theory]
    [InlineData("no JSON", "is no JSON")]
    [InlineData("[]", "version takes a whole number")]
    [InlineData("{}", "version takes a whole number")]
    [InlineData("""{ "version": 0 }""", "version takes a whole number")]
    [InlineData("""{ "version": 1.5 }""", "version takes a whole number")]
    [InlineData("""{ "version": 1, "version": 2 }""", "is no JSON")]
    public async Task Publish_BadFile_SendsNothingAndSaysWhy(string content, string why)
    {
        File.WriteAllText(Policy, content);

        Assert.Equal(2, await cli.RunAsync("policy", "publish"));

        Assert.Contains(why, cli.Error, StringComparison.Ordinal);
        Assert.Empty(Answers.Records);
    }

    [Fact]
    public async Task Publish_TooLong_SendsNothingAndSaysTheBound()
    {
        Write(2, new string('x', 800_000));

        Assert.Equal(2, await cli.RunAsync("policy", "publish"));

        Assert.Contains("a record takes 1048576", cli.Error, StringComparison.Ordinal);
        Assert.Empty(Answers.Records);
    }

    [Fact]
    public async Task Publish_WithoutTheSigningKey_SaysWhoCan()
    {
        File.Delete(cli.Installation.Signer.Key);

        Assert.Equal(2, await cli.RunAsync("policy", "publish"));

        Assert.Contains("nothing to sign with", cli.Error, StringComparison.Ordinal);
        Assert.Empty(Answers.Records);
    }

    private void Write(long version, string text) => File.WriteAllText(Policy, $$"""
        // comments are kept
        { "version": {{version}}, "text": "{{text}}", }
        """);

    private SignedContent Read() => SignedContent.Read(Answers.Records[Record].Value.Memory, "control/residency",
        (certificate, _) => certificate.Subject == "CN=signer", DateTimeOffset.UtcNow);
}
