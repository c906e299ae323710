using System.CommandLine;
using Lepton.Cli.Platform;
using Lepton.Sync.V1;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync</c>: records, where they are, and the rights of those they are about.</summary>
internal static class SyncCommand
{
    public static Command Create(Session session) => new("sync", "Records, replicated as their class allows.")
    {
        WriteCommands.Put(session),
        ReadCommands.Get(session),
        WriteCommands.Delete(session),
        ReadCommands.Scan(session),
        ReadCommands.Watch(session),
        TopologyCommands.Where(session),
        TopologyCommands.Topology(session),
        TopologyCommands.Promote(session),
        SubjectCommands.Erase(session),
        SubjectCommands.Erasure(session),
        SubjectCommands.Export(session),
        BackupCommands.Create(session),
        StrandedCommands.Create(session),
    };

    /// <summary>A command to a region's nodes of Sync.</summary>
    public static GatewayCommand Calls(Session session) => new(session, service: ClientService.Sync);
}

/// <summary>Which record a command means.</summary>
internal sealed class RecordArguments
{
    private readonly Argument<string> key = new("KEY") { Description = "The record's key, within its tenant." };

    private readonly Option<string> recordClass = ClassOption();

    private readonly Option<string> owner = OwnerOption();

    public static Option<string> ClassOption() => new("--class")
    {
        Description = "The record class: where it may be kept (./lepton sync topology lists them).",
        DefaultValueFactory = _ => "public",
        HelpName = "CLASS",
    };

    public static Option<string> OwnerOption() => new("--owner")
    {
        Description = "Whose records, where you may act for other tenants (default: your own).",
        DefaultValueFactory = _ => "",
        HelpName = "TENANT",
    };

    public void AddTo(Command command)
    {
        command.Arguments.Add(key);
        command.Options.Add(recordClass);
        command.Options.Add(owner);
    }

    public RecordKey Read(ParseResult parse) => new()
    {
        Key = parse.GetRequiredValue(key),
        RecordClass = parse.GetRequiredValue(recordClass),
        Tenant = parse.GetRequiredValue(owner),
    };
}
