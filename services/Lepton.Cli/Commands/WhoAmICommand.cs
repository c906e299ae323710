using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Gateway;
using Lepton.Cli.Login;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton whoami</c>: who is logged in by the token's own word, and what a gateway makes of it.</summary>
internal static class WhoAmICommand
{
    public static Command Create(Session session)
    {
        Option<string?> from = new("--from")
        {
            Description = "The region whose gateways are asked (default: the first region).",
            HelpName = "REGION",
        };
        Option<bool> json = SharedOptions.Json();
        Option<string> instance = SharedOptions.Instance();
        Command command = new("whoami", "Who is logged in, and what a gateway makes of it.") { from, json, instance };
        command.SetAction(async (parse, cancellation) => (int)await RunAsync(
            session, session.Login(parse.GetRequiredValue(instance)), parse.GetValue(from), parse.GetValue(json),
            cancellation));
        return command;
    }

    public static JsonObject Json(StoredLogin login)
    {
        TokenClaims claims = TokenClaims.Read(login.AccessToken);
        return new JsonObject
        {
            ["principal"] = claims.Subject,
            ["tenant"] = claims.Tenant,
            ["client"] = claims.Client ?? login.ClientId,
            ["session"] = claims.Session,
            ["issuer"] = login.Issuer,
            ["expire_time"] = login.ExpireTime.ToString("O"),
            ["renewable"] = login.RefreshToken is not null,
            ["login_time"] = login.LoginTime.ToString("O"),
            ["verified"] = false,
        };
    }

    private static async Task<ExitCode> RunAsync(
        Session session, LoginStore store, string? from, bool json, CancellationToken cancellation)
    {
        using LoginTokens tokens = LoginTokens.Open(store, session.Time)
            ?? throw new CommandFailure(ExitCode.Failed, $"Nobody is logged in (instance {store.InstanceName}).")
            {
                Hints =
                [
                    $"Log in: ./lepton login{store.Option}",
                    "Without a login, commands go with a tenant's certificate: --tenant, else demo's.",
                ],
            };
        PlatformFile? platform = Running(session, store.InstanceName);
        GatewayWord? word = platform is null
            ? null
            : await GatewayWord.AskAsync(platform, platform.Region(from), tokens, session.Time, cancellation);
        StoredLogin login = store.Read() // after the gateway was asked: the token may have been renewed for that
            ?? throw new CommandFailure(ExitCode.Failed, "This login was ended by ./lepton logout meanwhile.");
        if (json)
        {
            session.Terminal.Json(new JsonObject { ["login"] = Json(login), ["gateway"] = word?.Json() });
        }
        else
        {
            Show(session, store, login, word);
        }

        return word?.Failure?.Code ?? ExitCode.Ok;
    }

    private static PlatformFile? Running(Session session, string instanceName)
    {
        PlatformFile? platform = PlatformFile.Read(
            session.Installation.Instance(instanceName).PlatformFile, session.Terminal.Progress);
        return platform is not null && session.Processes.IsAlive(platform.AppHost) ? platform : null;
    }

    private static void Show(Session session, LoginStore store, StoredLogin login, GatewayWord? word)
    {
        TokenClaims claims = TokenClaims.Read(login.AccessToken);
        TimeSpan left = login.ExpireTime - session.Time.GetUtcNow();
        string expires = left > TimeSpan.Zero ? $"in {Amounts.Age(left)}" : "over";
        string renewal = login.RefreshToken is null ? "cannot be renewed: log in again then" : "renewed by itself";
        Terminal terminal = session.Terminal;
        terminal.Line($"Principal  {claims.Subject ?? "-"}");
        terminal.Line($"Tenant     {claims.Tenant ?? "-"}");
        terminal.Line($"Client     {claims.Client ?? login.ClientId}");
        terminal.Line($"Session    {claims.Session ?? "-"}");
        terminal.Line($"Issuer     {login.Issuer}");
        terminal.Line($"Expires    {login.ExpireTime:u} ({expires}; {renewal})");
        terminal.Line($"Kept in    {store.Path}");
        terminal.Line("           (as the token says; its signature was not verified here)");
        terminal.Line($"Gateway    {word?.Sentence ?? "not asked: the platform is not running"}");
        foreach (string role in word?.Roles ?? [])
        {
            terminal.Line($"Role       {role}");
        }

        foreach (string hint in word?.Failure?.Hints ?? [])
        {
            terminal.Line($"           {hint}");
        }
    }
}
