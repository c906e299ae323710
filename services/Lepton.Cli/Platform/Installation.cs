namespace Lepton.Cli.Platform;

/// <summary>Where this copy of Lepton lives: the repository and the folder that set-up, builds and runs fill.</summary>
internal sealed class Installation(string root, string home)
{
    public string Root { get; } = root;

    /// <summary>The git-ignored folder <c>.lepton</c>.</summary>
    public string Home { get; } = home;

    public string Authority => Path.Combine(Home, "pki", "ca.crt");

    /// <summary>A document of <c>lepton demo</c>, drawn at set-up.</summary>
    public string Sample(string demo) => Path.Combine(Home, "samples", $"{demo}.png");

    public string PolicyFile => Path.Combine(Root, "deploy", "residency.json");

    /// <summary>The certificate that signs control data, and its key.</summary>
    public (string Certificate, string Key) Signer
    {
        get
        {
            string folder = Path.Combine(Home, "pki", "access");
            return (Path.Combine(folder, "signer.crt"), Path.Combine(folder, "signer.key"));
        }
    }

    public Instance Instance(string name) => new(name, Path.Combine(Home, "instances", name));

    /// <summary>The executable that the build made of a project.</summary>
    public string Binary(string project) => Path.Combine(Home, "build", "bin", project, "release", project);

    /// <summary>A tenant's client certificate and key, made at set-up.</summary>
    public (string Certificate, string Key) Tenant(string tenant)
    {
        string folder = Path.Combine(Home, "pki", "clients", tenant);
        return (Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"));
    }

    /// <summary>
    /// The script <c>lepton</c> names both folders; a build run by hand finds the repository above its own binary.
    /// </summary>
    public static Installation Find(Func<string, string?> environment, string binaryFolder)
    {
        string root = environment("LEPTON_ROOT") ?? RepositoryAbove(binaryFolder);
        string home = environment("LEPTON_HOME") ?? Path.Combine(root, ".lepton");
        return new Installation(Path.GetFullPath(root), Path.GetFullPath(home));
    }

    private static string RepositoryAbove(string folder)
    {
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Lepton.sln")))
            {
                return at.FullName;
            }
        }

        throw new CommandFailure(ExitCode.Usage, "Lepton's repository was not found.")
        {
            Hints = ["Run ./lepton from the repository, or set LEPTON_ROOT to its folder."],
        };
    }
}

/// <summary>One running copy of the platform: several may run side by side on their own ports.</summary>
internal sealed record Instance(string Name, string Folder)
{
    /// <summary>What a command to this instance needs behind it, with a space before it; the default needs
    /// nothing.</summary>
    public static string Option(string name) => name == "default" ? "" : $" --instance {name}";

    public string PlatformFile => Path.Combine(Folder, "platform.json");

    public string LockFile => Path.Combine(Folder, "up.lock");

    /// <summary>Who is logged in; secrets.</summary>
    public string LoginFile => Path.Combine(Folder, "login.json");

    public string LoginLock => Path.Combine(Folder, "login.lock");

    public string AppHostLog => Path.Combine(Folder, "apphost.log");

    /// <summary>Removes the folder if nothing was started in it: it holds the lock at most.</summary>
    public void RemoveIfUnused()
    {
        if (Directory.EnumerateFileSystemEntries(Folder).All(entry => entry == LockFile))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    /// <summary>The variable that every process of this instance inherits, by which leftovers are found.</summary>
    public const string Marker = "LEPTON_INSTANCE";
}
