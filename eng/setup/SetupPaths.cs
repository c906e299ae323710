namespace Lepton.Setup;

/// <summary>Where set-up reads from (the repository) and writes to (the git-ignored home folder).</summary>
internal sealed class SetupPaths(string root, string home)
{
    public string Root { get; } = Path.GetFullPath(root);

    public string Home { get; } = Path.GetFullPath(home);

    public string NpmProject => Path.Combine(Root, "eng", "npm");

    public string GpuNpmProject => Path.Combine(Root, "eng", "npm-gpu");

    public string TestNpmProject => Path.Combine(Root, "eng", "npm-test");

    public string Npm => Path.Combine(Home, "npm");

    public string Tools => Path.Combine(Home, "tools");

    public string Native => Path.Combine(Home, "native");

    public string OrtSource => Path.Combine(Home, "ort-src");

    public string Models => Path.Combine(Home, "models");

    public string Fonts => Path.Combine(Tools, "fonts");

    public string Drawings => Path.Combine(Root, "eng", "samples", "demo");

    public string Samples => Path.Combine(Home, "samples");

    public string Feed => Path.Combine(Home, "feed");

    public string Packages => Path.Combine(Home, "packages");

    public string Pki => Path.Combine(Home, "pki");

    public string DashboardProgram => Path.Combine(Tools, "dashboard", "aspire-managed");

    /// <summary>Takes LEPTON_ROOT and LEPTON_HOME, which the <c>lepton</c> script sets; else the current
    /// folder.</summary>
    public static SetupPaths FromEnvironment()
    {
        var root = Environment.GetEnvironmentVariable("LEPTON_ROOT") ?? Environment.CurrentDirectory;
        if (!File.Exists(Path.Combine(root, "eng", "npm", "package-lock.json")))
            throw new SetupException(
                $"{root} is not Lepton's repository (no eng/npm/package-lock.json): set LEPTON_ROOT.");
        return new SetupPaths(root, Environment.GetEnvironmentVariable("LEPTON_HOME") ?? Path.Combine(root, ".lepton"));
    }
}
