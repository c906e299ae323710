using System.Text.RegularExpressions;

namespace Lepton.Postgres;

/// <summary>What the supervisor was asked to run.</summary>
/// <param name="Tools">The unpacked server: <c>bin/postgres</c>, <c>bin/initdb</c>, lib, share. Empty for a
/// check.</param>
/// <param name="Data">The server's own folder: database files, secrets, connection strings, socket.</param>
/// <param name="SocketDirectory">At most 93 bytes; null: inside <paramref name="Data"/> where that is short
/// enough.</param>
/// <param name="Databases">A database and a role of the same name are made for each.</param>
/// <param name="Replicating">Those of them whose role may read the write-ahead log.</param>
/// <param name="IsCheck">Only ask whether the server of this folder answers.</param>
internal sealed partial record PostgresOptions(
    string Tools, string Data, string? SocketDirectory, IReadOnlyList<string> Databases,
    IReadOnlyList<string> Replicating, bool IsCheck)
{
    public const string Usage = """
        usage: Lepton.Postgres --tools DIR --data DIR [--socket-dir DIR] --databases NAME[+replication],...
               Lepton.Postgres --check --data DIR
        Runs one embedded PostgreSQL server on a unix socket until SIGTERM or SIGINT. DIR/connections.json then holds
        a connection string for each database; DIR/ready exists while they work. --check exits 0 if they do.
        +replication: the role may read the write-ahead log (change capture).
        """;

    public static PostgresOptions Parse(string[] args)
    {
        var options = new PostgresOptions("", "", null, [], [], false);
        for (var rest = args.AsSpan(); rest.Length > 0;)
        {
            (options, var taken) = rest switch
            {
                ["--check", ..] => (options with { IsCheck = true }, 1),
                ["--tools", var value, ..] => (options with { Tools = Path.GetFullPath(value) }, 2),
                ["--data", var value, ..] => (options with { Data = Path.GetFullPath(value) }, 2),
                ["--socket-dir", var value, ..] => (options with { SocketDirectory = Path.GetFullPath(value) }, 2),
                ["--databases", var value, ..] => (options.WithDatabases(value), 2),
                _ => throw new PostgresException($"unknown or incomplete argument {rest[0]}\n{Usage}"),
            };
            rest = rest[taken..];
        }
        if (options.Data.Length == 0
            || (!options.IsCheck && (options.Tools.Length == 0 || options.Databases.Count == 0)))
            throw new PostgresException($"an argument is missing\n{Usage}");
        return options;
    }

    private PostgresOptions WithDatabases(string list)
    {
        const string Right = "+replication";
        var entries = list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string[] replicating = [.. entries.Where(e => e.EndsWith(Right, StringComparison.Ordinal))
            .Select(e => e[..^Right.Length])];
        string[] names = [.. entries.Select(e => e.EndsWith(Right, StringComparison.Ordinal) ? e[..^Right.Length] : e)];
        return names.FirstOrDefault(name => !NamePattern.IsMatch(name)) is { } wrong
            ? throw new PostgresException($"\"{wrong}\" is no database name: lower-case letters, digits, underscores.")
            : this with { Databases = names, Replicating = replicating };
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,62}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern { get; }
}
