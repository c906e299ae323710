using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Lepton.Cli.Commands;
using Lepton.Cli.Commands.Compliance;
using Lepton.Cli.Commands.Control;
using Lepton.Cli.Commands.Policies;
using Lepton.Cli.Commands.Sync;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;

namespace Lepton.Cli;

/// <summary>The words of <c>lepton</c>, and the one place where a failure becomes text and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>After Ctrl-C a platform is stopped in order; a second Ctrl-C ends the command at once.</summary>
    private static readonly TimeSpan stopTimeout = TimeSpan.FromSeconds(90);

    public static Command Create(Session session)
    {
        Command lepton = new(
            "lepton", "Lepton: inference in the right region, by the best node that is allowed to serve.")
        {
            // A RootCommand would call itself after the binary, Lepton.Cli; people type ./lepton.
            new HelpOption(),
            new VersionOption(),
            UpCommand.Create(session),
            DownCommand.Create(session),
            StatusCommand.Create(session),
            InferCommand.Create(session),
            DemoCommand.Create(session),
            NodesCommand.Create(session),
            ScaleCommand.Create(session),
            SyncCommand.Create(session),
            PolicyCommand.Create(session),
            PublishCommand.Access(session),
            RolesCommand.Create(session),
            AuditCommand.Create(session),
            ModelsCommand.Create(session),
            ExplainCommand.Create(session),
            ReplayCommand.Create(session),
            RouteCommand.Create(session),
            WatchCommand.Create(session),
            LoginCommand.Create(session),
            WhoAmICommand.Create(session),
            LogoutCommand.Create(session),
        };
        foreach (Command command in ResourceCommands.Create(session))
        {
            lepton.Subcommands.Add(command);
        }

        return lepton;
    }

    public static async Task<int> RunAsync(string[] args)
    {
        Terminal terminal = Terminal.System();
        try
        {
            Installation installation = Installation.Find(Environment.GetEnvironmentVariable, AppContext.BaseDirectory);
            return await RunAsync(new Session(installation, terminal, TimeProvider.System), args);
        }
        catch (CommandFailure failure)
        {
            terminal.Fail(failure);
            return (int)failure.Code;
        }
    }

    public static async Task<int> RunAsync(Session session, string[] args)
    {
        ParseResult parse = Create(session).Parse(args);
        if (parse.Errors.Count > 0)
        {
            session.Terminal.Fail(new CommandFailure(
                ExitCode.Usage, string.Join(Environment.NewLine, parse.Errors.Select(e => e.Message)))
            {
                Hints = [$"What it takes: ./{Words(parse.CommandResult)} --help"],
            });
            return (int)ExitCode.Usage;
        }

        InvocationConfiguration configuration = new()
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = stopTimeout,
            Output = session.Terminal.Output,
            Error = session.Terminal.Error,
        };
        try
        {
            return await parse.InvokeAsync(configuration);
        }
        catch (CommandFailure failure)
        {
            return Report(session, failure, json: args.Contains("--json"));
        }
        catch (OperationCanceledException)
        {
            session.Terminal.Progress("Interrupted.");
            return (int)ExitCode.Interrupted;
        }
    }

    /// <summary>The command as typed, such as <c>lepton infer ocr</c>.</summary>
    private static string Words(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{Words(parent)} {result.Command.Name}" : result.Command.Name;

    private static int Report(Session session, CommandFailure failure, bool json)
    {
        session.Terminal.Fail(failure);
        if (json)
        {
            JsonObject error = failure.Json ?? new JsonObject { ["message"] = failure.Message };
            session.Terminal.Json(new JsonObject { ["error"] = error });
        }

        return (int)failure.Code;
    }
}
