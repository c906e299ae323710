using System.Text.Json.Nodes;

namespace Lepton.Cli;

/// <summary>Ends a command with a message for a person; <see cref="Program"/>'s one handler prints it.</summary>
internal class CommandFailure(ExitCode code, string message) : Exception(message)
{
    public ExitCode Code { get; } = code;

    /// <summary>What the person can do about it, one line each.</summary>
    public IReadOnlyList<string> Hints { get; init; } = [];

    /// <summary>The same for a program: printed under <c>error</c> when <c>--json</c> was asked for.</summary>
    public JsonObject? Json { get; init; }
}
