using System.Diagnostics;

namespace Lepton.Postgres;

/// <summary>
/// Starts PostgreSQL's programs, which refuse to run as root: root starts them inside a user namespace where it is
/// nobody, which needs no change of owners; where namespaces are forbidden, as the user nobody itself.
/// </summary>
internal sealed class Unprivileged
{
    private const string Nobody = "65534";

    // The server ends, fast but in order, when the supervisor's starting thread does.
    private static readonly string[] DieWithParent = ["setpriv", "--pdeathsig", "INT", "--"];

    private readonly string[] prefix;
    private readonly bool changesUser;

    private Unprivileged(string[] prefix, bool changesUser)
    {
        this.prefix = prefix;
        this.changesUser = changesUser;
    }

    public static Unprivileged Detect()
    {
        if (!Environment.IsPrivilegedProcess)
            return new Unprivileged([], false);
        string[] space = ["unshare", "--user", $"--map-user={Nobody}", $"--map-group={Nobody}", "--"];
        var test = new ProcessStartInfo(space[0], [.. space[1..], "true"]) { RedirectStandardError = true };
        using var probe = Process.Start(test) ?? throw new PostgresException("unshare cannot be started.");
        probe.WaitForExit();
        return probe.ExitCode == 0
            ? new Unprivileged(space, false)
            : new Unprivileged(
                ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--no-new-privs",
                    "--inh-caps=-all", "--bounding-set=-all", "--"], true);
    }

    /// <summary>Lets the server reach what lies in a folder, without showing it what else does.</summary>
    public void LetThrough(string directory)
    {
        if (changesUser)
            File.SetUnixFileMode(directory, File.GetUnixFileMode(directory) | UnixFileMode.OtherExecute);
    }

    /// <summary>Lets the server own what it writes, where it runs as another user.</summary>
    public void HandOver(params IEnumerable<string> directories)
    {
        if (!changesUser)
            return;
        using var chown = Process.Start("chown", ["-R", $"{Nobody}:{Nobody}", .. directories]);
        chown.WaitForExit();
        if (chown.ExitCode != 0)
            throw new PostgresException($"the server's folders cannot be given to user {Nobody}.");
    }

    public Process Start(string program, IEnumerable<string> arguments)
    {
        string[] command = [.. prefix, .. DieWithParent, program, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = "/" };
        // PG* variables of the user's shell would redirect the server or its files.
        var redirecting = start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal));
        foreach (var name in redirecting.ToList())
            start.Environment.Remove(name);
        start.Environment["LC_ALL"] = "C";
        return Process.Start(start) ?? throw new PostgresException($"{program} cannot be started.");
    }
}
