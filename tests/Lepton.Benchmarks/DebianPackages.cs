using System.Diagnostics;

namespace Lepton.Benchmarks;

/// <summary>What Lepton is measured against, from Debian's own packages: unpacked, not installed.</summary>
internal static class DebianPackages
{
    /// <summary>
    /// Downloads and unpacks them unless that was done. The file <c>versions</c> says what is there: Debian takes a
    /// version off its servers when a fixed one comes, and then the one on offer is taken.
    /// </summary>
    /// <param name="root">The folder that they are unpacked into.</param>
    /// <param name="bench">Who needs them, for a message.</param>
    /// <param name="packages">Names and the versions that the published figures were measured with.</param>
    public static void Ensure(string root, string bench, params (string Package, string Version)[] packages)
    {
        if (File.Exists(Path.Combine(root, "versions")))
            return;
        string fresh = Directory.CreateDirectory($"{root}.{Environment.ProcessId}").FullName;
        try
        {
            List<string> versions = [];
            foreach ((string package, string version) in packages)
                versions.Add(Unpack(fresh, bench, package, version));
            File.WriteAllLines(Path.Combine(fresh, "versions"), versions);
            if (!Directory.Exists(root)) // else another bench was quicker
                Directory.Move(fresh, root);
        }
        finally
        {
            if (Directory.Exists(fresh))
                Directory.Delete(fresh, recursive: true);
        }
    }

    private static string Unpack(string root, string bench, string package, string version)
    {
        if (Run(root, "apt-get", "download", $"{package}={version}") is { } pinned)
        {
            Console.Error.WriteLine($"{package} {version} is not on offer; taking apt's choice. ({pinned})");
            if (Run(root, "apt-get", "download", package) is { } error)
                throw new InvalidOperationException(
                    $"{bench} needs Debian's package {package}, and apt-get download cannot give it here: {error} "
                    + "Try apt-get update first.");
        }
        string file = Directory.EnumerateFiles(root, package + "_*.deb").Single();
        if (Run(root, "dpkg", "-x", file, root) is { } damaged)
            throw new InvalidOperationException($"{Path.GetFileName(file)} cannot be unpacked: {damaged}");
        File.Delete(file);
        return Path.GetFileNameWithoutExtension(file).Replace("%3a", ":", StringComparison.Ordinal);
    }

    // Null when it went well, else the last line of what it said.
    private static string? Run(string folder, string program, params string[] args)
    {
        ProcessStartInfo start = new(program, args)
        {
            WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"no {program}");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = process.StandardError.ReadToEnd();
        output.Wait();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : error.Trim().Split('\n')[^1];
    }
}
