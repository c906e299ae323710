using System.CommandLine;

namespace Lepton.Cli.Commands.Compliance;

/// <summary><c>lepton audit</c>: what happened, who did it, and the proof.</summary>
internal static class AuditCommand
{
    public static Command Create(Session session) => new(
        "audit", "What happened, who did it, and the proof (with up --profile full).")
    {
        AuditSearchCommands.Search(session),
        AuditSearchCommands.Show(session),
        AuditSearchCommands.Export(session),
        VerifyCommand.Create(session),
    };
}
