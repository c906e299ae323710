using System.CommandLine;
using Lepton.Cli.Commands.Control;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands.Policies;

/// <summary><c>lepton policy</c>: where data may be, from the desk to every region and back.</summary>
internal static class PolicyCommand
{
    public static Command Create(Session session) => new("policy", "The residency policy: where data may be.")
    {
        DeskCommands.Check(session),
        DeskCommands.Diff(session),
        DeskCommands.Explain(session),
        DraftCommands.Submit(session),
        DraftCommands.Approve(session),
        DraftCommands.List(session),
        ActivationCommands.Activate(session),
        ActivationCommands.Rollback(session),
        PastCommands.Simulate(session),
        PastCommands.Replay(session),
        PublishCommand.Policy(session),
    };

    /// <summary>A command that calls a compliance service; as who is logged in, else as tenant platform.</summary>
    public static GatewayCommand Calls(Session session) =>
        new(session, service: ClientService.Compliance, fallback: "platform");

    public static Argument<string?> File(string standard = "deploy/residency.json") => new("FILE")
    {
        Description = $"The policy's file (default: {standard}); its regimes are in regimes/ beside it.",
        Arity = ArgumentArity.ZeroOrOne,
    };
}
