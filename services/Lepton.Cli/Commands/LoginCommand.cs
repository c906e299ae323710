using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Login;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton login</c>: a person logs in with a browser, anywhere; this machine gets the tokens.</summary>
internal static class LoginCommand
{
    /// <summary>The public client that Lepton's own authority knows.</summary>
    private const string clientDefault = "lepton-cli";

    public static Command Create(Session session)
    {
        Option<string?> issuer = new("--issuer")
        {
            Description = "The OpenID Connect authority, an https address (default: the running platform's).",
            HelpName = "URL",
        };
        Option<string> client = new("--client-id")
        {
            Description = "The public client that asks.",
            DefaultValueFactory = _ => clientDefault,
            HelpName = "ID",
        };
        Option<bool> systemTrust = new("--system-trust")
        {
            Description = "The authority's server is certified by one that the machine trusts, not by Lepton's own.",
        };
        Option<bool> json = SharedOptions.Json();
        Option<string> instance = SharedOptions.Instance();
        Command command = new("login", "Log in with a browser; the other commands then act as you.")
        {
            issuer, client, systemTrust, json, instance,
        };
        command.SetAction(async (parse, cancellation) =>
        {
            LoginStore store = session.Login(parse.GetRequiredValue(instance));
            PlatformFile? platform = PlatformFile.Read(
                session.Installation.Instance(store.InstanceName).PlatformFile, session.Terminal.Progress);
            string address = Issuer(parse.GetValue(issuer), platform, store);
            string? authorityFile = parse.GetValue(systemTrust)
                ? null
                : platform?.AuthorityFile ?? session.Installation.Authority;
            string clientId = parse.GetRequiredValue(client);
            if (clientId.Length is 0 or > 256 || !clientId.All(ServerText.IsPrintable))
            {
                throw new CommandFailure(
                    ExitCode.Usage, "--client-id: 1 to 256 printable ASCII characters are needed.");
            }

            StoredLogin login = await LogInAsync(session, store, address, clientId, authorityFile, cancellation);
            Show(session, login, parse.GetValue(json));
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static string Issuer(string? given, PlatformFile? platform, LoginStore store)
    {
        string? issuer = given ?? platform?.Identity?.IssuerUrl;
        if (issuer is null)
        {
            throw new CommandFailure(ExitCode.Usage, platform is null
                ? $"Lepton is not running (instance {store.InstanceName}), and no --issuer was given."
                : $"This platform (instance {store.InstanceName}) has no authority of its own, and no --issuer was "
                    + "given.")
            {
                Hints =
                [
                    platform is null
                        ? $"Start it: ./lepton up --detach{store.Option}"
                        : "Name the authority whose tokens its gateways take: ./lepton login --issuer URL",
                ],
            };
        }

        return Uri.TryCreate(issuer, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps
            && uri.UserInfo.Length == 0 && !issuer.Contains('?') && !issuer.Contains('#')
            ? issuer
            : throw new CommandFailure(ExitCode.Usage,
                $"--issuer {issuer}: an https address is needed, without user, query or fragment.");
    }

    private static async Task<StoredLogin> LogInAsync(
        Session session, LoginStore store, string issuer, string clientId, string? authorityFile,
        CancellationToken cancellation)
    {
        using Authority authority = await Authority.FindAsync(
            issuer, clientId, authorityFile, session.Time, cancellation);
        DeviceCode code = await authority.BeginAsync(cancellation);
        session.Terminal.Progress($"Open    {code.Address.AbsoluteUri}");
        session.Terminal.Progress($"Enter   {code.UserCode}");
        if (code.CompleteAddress is { } complete)
        {
            session.Terminal.Progress($"or open {complete.AbsoluteUri} and compare the code.");
        }

        session.Terminal.Progress($"Waiting for {code.Lifetime.TotalMinutes:0.#} min at most; Ctrl-C gives up.");
        TokenSet tokens = await new DeviceFlow(authority, session.Time, session.Terminal.Progress)
            .WaitAsync(code, $"./lepton login{store.Option}", cancellation);
        StoredLogin login = new()
        {
            Issuer = issuer,
            ClientId = clientId,
            AuthorityFile = authorityFile,
            LoginTime = session.Time.GetUtcNow(),
            AccessToken = tokens.AccessToken,
            ExpireTime = tokens.ExpireTime,
            RefreshToken = tokens.RefreshToken,
        };
        StoredLogin? former;
        using (await store.LockAsync(cancellation))
        {
            former = store.ReadToEnd();
            store.Write(login);
        }

        if (former is not null && await LogoutCommand.EndAsync(session, former, cancellation) is { } why)
        {
            session.Terminal.Progress($"The former login at {former.Issuer} could not be ended there: {why}");
        }

        return login;
    }

    private static void Show(Session session, StoredLogin login, bool json)
    {
        if (json)
        {
            session.Terminal.Json(new JsonObject { ["login"] = WhoAmICommand.Json(login) });
            return;
        }

        TokenClaims claims = TokenClaims.Read(login.AccessToken);
        string tenant = claims.Tenant is { } t ? $", tenant {t}" : "";
        session.Terminal.Line($"Logged in as {claims.Subject ?? "(the token does not say who)"}{tenant}, "
            + $"at {login.Issuer}.");
        session.Terminal.Line(login.RefreshToken is null
            ? $"Until {login.ExpireTime:u}: the authority gave nothing to renew it with."
            : "Commands without --tenant act as you, until ./lepton logout.");
    }
}
