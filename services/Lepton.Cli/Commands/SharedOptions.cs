using System.CommandLine;

namespace Lepton.Cli.Commands;

/// <summary>Options that mean the same in every command.</summary>
internal static class SharedOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Answer in JSON on standard output." };

    public static Option<string> Instance() => new("--instance")
    {
        Description = "Which running copy of the platform.",
        DefaultValueFactory = _ => "default",
        HelpName = "NAME",
    };
}
