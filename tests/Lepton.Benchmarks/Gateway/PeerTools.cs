using System.Diagnostics;

namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// h2load, HAProxy and nginx from the machine's own Debian packages, unpacked into .lepton/tools and not installed.
/// </summary>
internal sealed class PeerTools
{
    // The versions that the figures in README.md were measured with. Debian takes a version off its servers when a
    // fixed one comes: then the one on offer is taken, and the report says which.
    private static readonly (string Package, string Version)[] Packages =
    [
        ("nghttp2-client", "1.52.0-1+deb12u3"), ("haproxy", "2.6.12-1+deb12u4"), ("nginx", "1.22.1-9+deb12u11"),
        ("libev4", "1:4.33-1"), ("libjemalloc2", "5.3.0-1"), ("libc-ares2", "1.18.1-3"), ("liblua5.3-0", "5.3.6-2"),
        ("libopentracing-c-wrapper0", "1.1.3-3+b1"), ("libopentracing1", "1.6.0-4"),
    ];

    private readonly string _root;

    private PeerTools(string root) => _root = root;

    public string H2Load => Path.Combine(_root, "usr/bin/h2load");

    public string HaProxy => Path.Combine(_root, "usr/sbin/haproxy");

    public string Nginx => Path.Combine(_root, "usr/sbin/nginx");

    /// <summary>Where their own shared libraries are found, before the system's.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["LD_LIBRARY_PATH"] = string.Join(':', Directory.EnumerateDirectories(Path.Combine(_root, "usr/lib"))),
    };

    /// <summary>What is there, for the report: package and version each.</summary>
    public string Versions => string.Join(", ", File.ReadLines(Path.Combine(_root, "versions")).Take(3));

    /// <summary>Downloads and unpacks what is not there yet.</summary>
    /// <param name="tools">The folder .lepton/tools.</param>
    public static PeerTools Get(string tools)
    {
        string root = Path.Combine(tools, "gateway-peers");
        PeerTools peers = new(root);
        if (File.Exists(Path.Combine(root, "versions")))
            return peers;
        string fresh = Directory.CreateDirectory($"{root}.{System.Environment.ProcessId}").FullName;
        try
        {
            List<string> versions = [];
            foreach ((string package, string version) in Packages)
                versions.Add(Unpack(fresh, package, version));
            File.WriteAllLines(Path.Combine(fresh, "versions"), versions);
            if (!Directory.Exists(root)) // else another bench was quicker
                Directory.Move(fresh, root);
        }
        finally
        {
            if (Directory.Exists(fresh))
                Directory.Delete(fresh, recursive: true);
        }
        return peers;
    }

    private static string Unpack(string root, string package, string version)
    {
        if (Run(root, "apt-get", "download", $"{package}={version}") is { } pinned)
        {
            Console.Error.WriteLine($"{package} {version} is not on offer; taking apt's choice. ({pinned})");
            if (Run(root, "apt-get", "download", package) is { } error)
                throw new InvalidOperationException(
                    $"bench gateway needs Debian's package {package} (for h2load, HAProxy, nginx), and apt-get "
                    + $"download cannot give it here: {error} Try apt-get update first.");
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
