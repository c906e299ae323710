using System.CommandLine;
using System.Text.Json.Nodes;
using Lepton.Cli.Login;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton logout</c>: the tokens are removed here and ended at the authority.</summary>
internal static class LogoutCommand
{
    public static Command Create(Session session)
    {
        Option<bool> json = SharedOptions.Json();
        Option<string> instance = SharedOptions.Instance();
        Command command = new("logout", "Log out, here and at the authority.") { json, instance };
        command.SetAction(async (parse, cancellation) => (int)await RunAsync(
            session, session.Login(parse.GetRequiredValue(instance)), parse.GetValue(json), cancellation));
        return command;
    }

    /// <summary>Ends a session at its authority. Null when that worked; else why not.</summary>
    public static async Task<string?> EndAsync(Session session, StoredLogin login, CancellationToken cancellation)
    {
        try
        {
            using Authority authority = await Authority.FindAsync(login, session.Time, cancellation);
            return await authority.RevokeAsync(login, cancellation);
        }
        catch (AuthorityAway away)
        {
            return away.Why;
        }
        catch (CommandFailure failure)
        {
            return failure.Message;
        }
    }

    private static async Task<ExitCode> RunAsync(
        Session session, LoginStore store, bool json, CancellationToken cancellation)
    {
        StoredLogin? login;
        bool existed;
        using (await store.LockAsync(cancellation))
        {
            existed = store.Exists;
            login = store.ReadToEnd();
            store.Remove(); // first: whatever happens to the authority, nobody is logged in here
        }

        string? why = login is null ? null : await EndAsync(session, login, cancellation);
        if (why is not null)
        {
            throw new CommandFailure(ExitCode.Failed,
                $"Logged out here, but {login?.Issuer} could not be told to end the session: {why}")
            {
                Hints = ["The tokens are removed from this machine; there the session ends at its own time."],
                Json = new JsonObject { ["logged_out"] = true, ["revoked"] = false, ["message"] = why },
            };
        }

        if (json)
        {
            session.Terminal.Json(new JsonObject { ["logged_out"] = existed, ["revoked"] = login is not null });
        }
        else
        {
            session.Terminal.Line((existed, login) switch
            {
                (false, _) => $"Nobody is logged in (instance {store.InstanceName}).",
                (_, null) => $"{store.Path} was damaged and is removed; no authority could be told.",
                _ => $"Logged out, here and at {login.Issuer}.",
            });
        }

        return ExitCode.Ok;
    }
}
