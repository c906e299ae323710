namespace Lepton.Benchmarks.Gateway;

/// <summary>
/// h2load, HAProxy and nginx from the machine's own Debian packages, unpacked into .lepton/tools and not installed.
/// </summary>
internal sealed class PeerTools
{
    // The versions that the figures in README.md were measured with.
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
        DebianPackages.Ensure(root, "bench gateway", Packages);
        return new PeerTools(root);
    }
}
