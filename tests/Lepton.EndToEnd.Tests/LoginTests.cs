using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Grpc.Core;
using Grpc.Net.Client;
using Lepton.Platform.V1;

namespace Lepton.EndToEnd.Tests;

/// <summary>
/// C1, C2: the seeded admin logs in by the device flow, does what it may, and is nobody any more once logged out.
/// </summary>
[Collection(PlatformCollection.Name)]
public sealed partial class LoginTests(Platform platform)
{
    private const string Node = "inference-ap-southeast-b";

    [Fact]
    public async Task Login_Admin_ManagesUntilLogout()
    {
        await LogInAsync();
        string token;
        try
        {
            token = await TokenAsync();
            JsonElement me = (await platform.RunAsync("whoami", "--json")).Require().Json().GetProperty("gateway");
            Assert.Equal(("lepton/admin", "platform"),
                (me.GetProperty("principal").GetString(), me.GetProperty("tenant").GetString()));
            (await platform.AskAsync("nodes", "drain", Node, "--from", "ap-southeast")).Require();
            (await platform.AskAsync("nodes", "resume", Node, "--from", "ap-southeast")).Require();
            Assert.Equal(StatusCode.OK, await WhoAmIAsync(token));
        }
        finally
        {
            (await platform.RunAsync("logout")).Require();
        }

        // Logging out ends the session: its tokens are refused within seconds, though gateways had cached them.
        long since = Stopwatch.GetTimestamp();
        while (await WhoAmIAsync(token) != StatusCode.Unauthenticated)
            Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(30), "a revoked token is still taken");
        (await platform.RunAsync("whoami")).Require(exitCode: 1);
    }

    [Theory]
    [InlineData("ap-southeast", 0, "takes no new work")]
    [InlineData("eu-west", 1, "NODES_MANAGE in eu-west; tenant/apac-operations holds it in ap-southeast")]
    public async Task Drain_OperatorOfAsiaPacific_MayThereAndNowhereElse(string region, int exitCode, string said)
    {
        CliResult result = await platform.AskAsync(
            "nodes", "drain", $"inference-{region}-b", "--from", region, "--tenant", "apac-operations");
        if (exitCode == 0)
            (await platform.AskAsync("nodes", "resume", $"inference-{region}-b", "--from", region,
                "--tenant", "apac-operations")).Require();

        result.Require(exitCode);
        Assert.Contains(said, (result.Output + result.Error).ReplaceLineEndings(" "), StringComparison.Ordinal);
    }

    private async Task LogInAsync()
    {
        using Process login = platform.Start("login");
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(3));
        string code = "";
        while (code.Length == 0)
            code = Code.Match(await login.StandardError.ReadLineAsync(patience.Token)
                ?? throw new InvalidOperationException("login ended without a code")).Value;
        Task<string> rest = login.StandardError.ReadToEndAsync(patience.Token);
        await ApproveAsync(code);
        await login.WaitForExitAsync(patience.Token);
        Assert.True(login.ExitCode == 0, await rest);
    }

    /// <summary>What a person does in a browser.</summary>
    private async Task ApproveAsync(string code)
    {
        SocketsHttpHandler handler = platform.Handler(withCertificate: false);
        handler.CookieContainer = new CookieContainer();
        using HttpClient browser = new(handler);
        string page = await browser.GetStringAsync($"{platform.Issuer}/device?user_code={code}");
        string password = await File.ReadAllTextAsync(Platform.Pki("identity/admin.password"));
        using FormUrlEncodedContent form = new(
        [
            new("token", FormToken.Match(page).Groups[1].Value), new("user_code", code), new("username", "admin"),
            new("password", password.Trim()), new("action", "approve"),
        ]);
        using HttpResponseMessage answer = await browser.PostAsync($"{platform.Issuer}/device", form);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task<string> TokenAsync()
    {
        using JsonDocument login = JsonDocument.Parse(await File.ReadAllTextAsync(platform.LoginFile));
        return login.RootElement.GetProperty("access_token").GetString()!;
    }

    private async Task<StatusCode> WhoAmIAsync(string token)
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(platform.Gateway("eu-west"), new GrpcChannelOptions
        {
            HttpHandler = platform.Handler(withCertificate: false), DisposeHttpClient = true,
        });
        try
        {
            await new AccessService.AccessServiceClient(channel).WhoAmIAsync(
                new WhoAmIRequest(), new Metadata { { "authorization", $"Bearer {token}" } });
            return StatusCode.OK;
        }
        catch (RpcException e)
        {
            return e.StatusCode;
        }
    }

    [GeneratedRegex("[A-Z]{4}-[A-Z]{4}")]
    private static partial Regex Code { get; }

    [GeneratedRegex("name=\"token\" value=\"([^\"]+)\"")]
    private static partial Regex FormToken { get; }
}
