namespace Lepton.Setup.Npm;

/// <summary>
/// One <c>npm ci</c> in a scratch folder: npm checks every package against the lock's hashes and runs no install
/// script. What is needed is moved out, then the folder is deleted.
/// </summary>
internal sealed class NpmInstall : IDisposable
{
    private NpmInstall(string directory) => Directory = directory;

    public string Directory { get; }

    public string Modules => Path.Combine(Directory, "node_modules");

    public static async Task<NpmInstall> RunAsync(string project, string scratch, CancellationToken cancellation)
    {
        if (System.IO.Directory.Exists(scratch))
            System.IO.Directory.Delete(scratch, recursive: true);
        System.IO.Directory.CreateDirectory(Path.Combine(scratch, "empty"));
        foreach (var name in (string[])["package.json", "package-lock.json", ".npmrc", "empty/package.json"])
            File.Copy(Path.Combine(project, name), Path.Combine(scratch, name));
        var install = new NpmInstall(scratch);
        var result = await Command.RunAsync("npm", ["ci"], scratch, new Dictionary<string, string?>(), cancellation);
        if (result.ExitCode != 0)
        {
            install.Dispose();
            throw new SetupException($"npm ci failed in {project} (exit {result.ExitCode}):\n{result.Tail()}");
        }
        return install;
    }

    public string Package(string name) => Path.Combine(Modules, name);

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
