using System.Diagnostics;

namespace Lepton.Sync.Backup.Restore;

/// <summary>
/// Starts PostgreSQL's programs, which refuse to run as root: root starts them inside a user namespace where it is
/// nobody, which needs no change of owners; where namespaces are forbidden, as the user nobody itself. (As
/// eng/postgres, which no service may reference.)
/// </summary>
internal sealed class PostgresProgram
{
    private const string Nobody = "65534";

    private readonly string[] _prefix;
    private readonly bool _changesUser;

    private PostgresProgram(string[] prefix, bool changesUser) => (_prefix, _changesUser) = (prefix, changesUser);

    public static async Task<PostgresProgram> DetectAsync(CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess)
            return new PostgresProgram([], false);
        string[] space = ["unshare", "--user", $"--map-user={Nobody}", $"--map-group={Nobody}", "--"];
        return (await RunAsync([.. space, "true"], cancellationToken)).Code == 0
            ? new PostgresProgram(space, false)
            : new PostgresProgram(
                ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--no-new-privs",
                    "--inh-caps=-all", "--bounding-set=-all", "--"], true);
    }

    /// <summary>Lets the server own what it writes, where it runs as another user.</summary>
    public async Task HandOverAsync(IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        if (_changesUser
            && (await RunAsync(["chown", "-R", $"{Nobody}:{Nobody}", .. paths], cancellationToken)).Code != 0)
            throw new BackupException(
                BackupFault.RestoreFailed, $"The restored files cannot be given to user {Nobody}.");
    }

    /// <summary>How a program is started here; it ends with the thread that starts it.</summary>
    public ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments)
    {
        string[] command = [.. _prefix, "setpriv", "--pdeathsig", "INT", "--", program, .. arguments];
        ProcessStartInfo start = new(command[0], command[1..])
        {
            WorkingDirectory = "/", RedirectStandardError = true, RedirectStandardOutput = true,
        };
        // PG* variables of the user's shell would redirect the server or its files.
        foreach (var name in start.Environment.Keys.Where(n => n.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        return start;
    }

    /// <summary>The major version of <c>bin/postgres</c>, e.g. <c>18</c>.</summary>
    /// <exception cref="BackupException">There is none.</exception>
    public static async Task<string> MajorOfAsync(string tools, CancellationToken cancellationToken)
    {
        if (tools.Length == 0 || !File.Exists(Path.Combine(tools, "bin", "postgres")))
            throw new BackupException(
                BackupFault.Invalid, "Sync:Backup:ToolsDirectory takes a folder with bin/postgres, for verification "
                + $"and restore; \"{tools}\" is none.");
        var (code, output) = await RunAsync([Path.Combine(tools, "bin", "postgres"), "--version"], cancellationToken);
        var version = output.Split(' ').FirstOrDefault(word => word.Length > 0 && char.IsAsciiDigit(word[0]));
        return code == 0 && version is not null
            ? version.Split('.', '\n')[0]
            : throw new BackupException(BackupFault.Invalid, $"{tools}/bin/postgres does not run: {output.Trim()}");
    }

    private static async Task<(int Code, string Output)> RunAsync(
        string[] command, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        }) ?? throw new BackupException(BackupFault.RestoreFailed, $"{command[0]} cannot be started.");
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
