using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Commands;

public sealed class CommandLineTests : IDisposable
{
    private readonly CliFixture cli = new();

    public void Dispose() => cli.Dispose();

    [Theory]
    [InlineData("lepton", "bogus")]
    [InlineData("lepton infer ocr", "infer", "ocr")]
    [InlineData("lepton route", "route", "--dry-run")]
    [InlineData("lepton infer language", "infer", "language", "x", "--priority", "urgent")]
    public async Task Run_WrongWords_IsUsageAndNamesTheHelp(string command, params string[] args)
    {
        Assert.Equal(2, await cli.RunAsync(args));
        Assert.Contains($"./{command} --help", cli.Error, StringComparison.Ordinal);
        Assert.Equal("", cli.Output);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("nodes")]
    [InlineData("infer", "language", "hello")]
    [InlineData("explain", "x")]
    [InlineData("replay", "x")]
    [InlineData("watch")]
    [InlineData("demo", "finance")]
    public async Task Run_PlatformNeverStarted_SaysHowToStartIt(params string[] args)
    {
        Assert.Equal(3, await cli.RunAsync(args));
        Assert.Contains("Lepton is not running (instance default).", cli.Error, StringComparison.Ordinal);
        Assert.Contains("./lepton up --detach", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OtherInstanceNeverStarted_SaysHowToStartThatOne()
    {
        Assert.Equal(3, await cli.RunAsync("demo", "medical", "--instance", "two"));
        Assert.Contains("./lepton up --detach --instance two", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_PlatformCrashed_SaysSoAndAnswersJson()
    {
        PlatformFile platform = cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));
        ProcessId earlier = platform.AppHost with { StartTicks = platform.AppHost.StartTicks - 1 };
        (platform with { AppHost = earlier }).Write(cli.Installation.Instance("default").PlatformFile);

        Assert.Equal(3, await cli.RunAsync("status", "--json"));

        Assert.Contains("has ended", cli.Error, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(cli.Output);
        Assert.Contains("has ended", json.RootElement.GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_ResourceServiceSilent_IsDown()
    {
        cli.WritePlatform(("eu-west", "https://127.0.0.1:1"));

        Assert.Equal(3, await cli.RunAsync("status"));
        Assert.Contains("resource service does not answer", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_EverythingWrong_SaysEverything()
    {
        int exit = await cli.RunAsync("up", "--regions", "EU,b1,b1", "--zones", "3", "--profile", "mini",
            "--wan", "maybe", "--postgres", "sqlite", "--base-port", "80", "--timeout", "soon", "--instance", "a/b");

        Assert.Equal(2, exit);
        foreach (string word in new[]
                 {
                     "'EU'", "b1 is named twice", "--zones 3", "--profile mini", "--wan maybe", "--postgres",
                     "--base-port 80", "--timeout soon", "--instance a/b",
                 })
        {
            Assert.Contains(word, cli.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Up_AlreadyRunning_SaysSoAndIsFine()
    {
        cli.WritePlatform(("us-east", "https://127.0.0.1:1"));

        Assert.Equal(0, await cli.RunAsync("up", "--detach", "--regions", "us-east"));
        Assert.Contains("already running", cli.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_RunningWithOtherRegions_IsRefused()
    {
        cli.WritePlatform(("us-east", "https://127.0.0.1:1"));

        Assert.Equal(1, await cli.RunAsync("up", "--detach", "--regions", "eu-west", "--zones", "1"));
        Assert.Contains("--regions us-east, not eu-west, --zones 2, not 1", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_RunningWithOtherDatabases_IsRefused()
    {
        cli.WritePlatform(("us-east", "https://127.0.0.1:1"));

        Assert.Equal(1, await cli.RunAsync("up", "--regions", "us-east", "--postgres", "Host=db;Password=secret"));
        Assert.Contains("--postgres embedded, not connection", cli.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", cli.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Up_StartedByAnotherCommandNow_IsRefused()
    {
        Instance instance = cli.Installation.Instance("default");
        Directory.CreateDirectory(instance.Folder);
        using IDisposable held = InstanceLock.Take(instance);

        Assert.Equal(1, await cli.RunAsync("up", "--detach"));
        Assert.Contains("Another command is starting", cli.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Up_PortTaken_LeavesTheFolderOnlyIfItWasThere(bool wasThere)
    {
        using TcpListener taken = new(IPAddress.Loopback, 0);
        taken.Start();
        Instance instance = cli.Installation.Instance("two");
        if (wasThere)
            Directory.CreateDirectory(Path.Combine(instance.Folder, "pg"));
        string port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";

        Assert.Equal(1, await cli.RunAsync("up", "--detach", "--instance", "two", "--base-port", port));

        Assert.Contains($"Port {port}", cli.Error, StringComparison.Ordinal);
        Assert.Equal(wasThere, Directory.Exists(instance.Folder));
    }

    [Fact]
    public async Task Down_NotRunning_IsFineAndWipes()
    {
        Instance instance = cli.Installation.Instance("old");
        Directory.CreateDirectory(Path.Combine(instance.Folder, "pg"));

        Assert.Equal(0, await cli.RunAsync("down", "--instance", "old", "--wipe"));
        Assert.Contains("not running", cli.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(instance.Folder));
    }
}
