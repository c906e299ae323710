namespace Lepton.Setup.Npm;

/// <summary>
/// One <c>npm ci</c> in a scratch folder: npm checks every package against the lock's hashes and runs no install
/// script. What is needed is moved out, then the folder is deleted.
/// </summary>
internal sealed class NpmInstall : IDisposable
{
    /// <summary>Each goes on from npm's cache: a broken connection loses only what was under way.</summary>
    public const int AttemptsMax = 5;

    // Node's and npm's codes of a connection that broke, stalled or found no server for a while. npm itself repeats
    // single requests, but not those that stalled.
    private static readonly string[] s_brokenConnections =
    [
        "EIDLETIMEOUT", "ECONNECTIONTIMEOUT", "ERESPONSETIMEOUT", "ETRANSFERTIMEOUT", "ERR_SOCKET_TIMEOUT",
        "ETIMEDOUT", "ECONNRESET", "ECONNREFUSED", "EPIPE", "EAI_AGAIN", "E429", "E500", "E502", "E503", "E504",
    ];

    private NpmInstall(string directory) => Directory = directory;

    public string Directory { get; }

    public string Modules => Path.Combine(Directory, "node_modules");

    /// <exception cref="SetupException">npm refused, or the connection broke at every attempt.</exception>
    public static async Task<NpmInstall> RunAsync(string project, string scratch, CancellationToken cancellation)
    {
        if (System.IO.Directory.Exists(scratch))
            System.IO.Directory.Delete(scratch, recursive: true);
        System.IO.Directory.CreateDirectory(Path.Combine(scratch, "empty"));
        foreach (var name in (string[])["package.json", "package-lock.json", ".npmrc", "empty/package.json"])
            File.Copy(Path.Combine(project, name), Path.Combine(scratch, name));
        var install = new NpmInstall(scratch);
        var result = await RepeatAsync(() => Command.RunAsync(
            "npm", ["ci"], scratch, new Dictionary<string, string?>(), cancellation));
        if (result.ExitCode != 0)
        {
            install.Dispose();
            throw new SetupException($"npm ci failed in {project} (exit {result.ExitCode}):\n{result.Tail()}");
        }
        return install;
    }

    /// <summary>Runs npm until it ends other than by a broken connection, or for the last time.</summary>
    internal static async Task<CommandResult> RepeatAsync(Func<Task<CommandResult>> npm)
    {
        for (var attempt = 1; ; attempt++)
        {
            var result = await npm();
            if (result.ExitCode == 0 || attempt == AttemptsMax || BrokenConnection(result) is not { } code)
                return result;
            Console.WriteLine($"npm: {code}, attempt {attempt + 1} of {AttemptsMax} ...");
        }
    }

    public string Package(string name) => Path.Combine(Modules, name);

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private static string? BrokenConnection(CommandResult result) =>
        s_brokenConnections.FirstOrDefault(code => result.Output.Contains($"npm error code {code}\n"));
}
