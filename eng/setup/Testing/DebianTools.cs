using Lepton.Setup.Outputs;

namespace Lepton.Setup.Testing;

/// <summary>
/// Programs that tests alone use, taken from Debian's packages without installing them: apt downloads and verifies,
/// dpkg unpacks. Where that cannot be, the tests that need them are skipped, and say so.
/// </summary>
internal sealed class DebianTools(SetupPaths paths)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly Tool[] All =
    [
        // Prometheus' own checker of metrics, 48 MB; linked statically.
        new("promtool", "prometheus", "usr/bin/promtool", NeedsLibraries: false),
        // The browser without a screen: 290 MB with the libraries that a machine without a desktop lacks.
        new("chromium", "chromium-headless-shell", "usr/lib/chromium/chromium-headless-shell", NeedsLibraries: true),
    ];

    private static readonly Dictionary<string, string?> Environment = new()
    {
        ["LC_ALL"] = "C", ["DEBIAN_FRONTEND"] = "noninteractive",
    };

    /// <summary>Each becomes <c>tools/NAME/NAME</c>.</summary>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        foreach (var tool in All)
            await EnsureAsync(tool, cancellation);
    }

    private async Task EnsureAsync(Tool tool, CancellationToken cancellation)
    {
        var output = new OutputDirectory(
            Path.Combine(paths.Tools, tool.Name), InputHash.Of(tool.Package, tool.Program));
        if (output.IsCurrent())
            return;
        Console.WriteLine($"set-up: {tool.Name}, from Debian's package {tool.Package} ...");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        try
        {
            await output.ReplaceAsync(target => FillAsync(tool, target, limit.Token));
        }
        catch (Exception e) when (e is SetupException or OperationCanceledException
            && !cancellation.IsCancellationRequested)
        {
            Console.WriteLine($"set-up: {tool.Name} is not to be had here: {e.Message}");
        }
    }

    private static async Task FillAsync(Tool tool, string target, CancellationToken cancellation)
    {
        var scratch = Directory.CreateDirectory(Path.Combine(target, ".scratch")).FullName;
        var tree = Path.Combine(scratch, "tree");
        await DownloadAsync(tool, scratch, cancellation);
        foreach (var archive in Directory.EnumerateFiles(scratch, "*.deb"))
            await RequireAsync("dpkg", ["-x", archive, tree], scratch, cancellation);
        if (!File.Exists(Path.Combine(tree, tool.Program)))
            throw new SetupException($"Debian's package {tool.Package} does not hold {tool.Program}.");
        var start = Path.Combine(target, tool.Name);
        if (tool.NeedsLibraries)
        {
            Directory.Move(Path.Combine(tree, "usr"), Path.Combine(target, "usr"));
            await File.WriteAllTextAsync(start, Launcher(tool, target), cancellation);
            File.SetUnixFileMode(start, File.GetUnixFileMode(Path.Combine(target, tool.Program)));
        }
        else
        {
            File.Move(Path.Combine(tree, tool.Program), start);
        }
        Directory.Delete(scratch, recursive: true);
    }

    private static async Task DownloadAsync(Tool tool, string folder, CancellationToken cancellation)
    {
        // A fresh machine has no package lists yet; who may not fetch them has them or goes without.
        if (await TryAsync(tool, folder, cancellation) is null)
            return;
        await Command.RunAsync("apt-get", ["update"], folder, Environment, cancellation);
        if (await TryAsync(tool, folder, cancellation) is { } failure)
            throw new SetupException($"apt-get cannot bring {tool.Package}:\n{failure}");
    }

    /// <summary>Null, or why not.</summary>
    private static async Task<string?> TryAsync(Tool tool, string folder, CancellationToken cancellation)
    {
        string[] packages = [tool.Package];
        if (tool.NeedsLibraries)
        {
            // What an installation would add to this machine; a simulated one needs no rights.
            var plan = await Command.RunAsync("apt-get",
                ["install", "--simulate", "--no-install-recommends", tool.Package], folder, Environment, cancellation);
            if (plan.ExitCode != 0)
                return plan.Tail();
            packages = [.. packages.Union(PackagesOf(plan.Output))];
        }
        var download = await Command.RunAsync(
            "apt-get", ["download", .. packages], folder, Environment, cancellation);
        return download.ExitCode == 0 ? null : download.Tail();
    }

    /// <summary>The names in lines such as <c>Inst libogg0 (1.3.5-3 Debian:12.15/oldstable [amd64])</c>.</summary>
    internal static IEnumerable<string> PackagesOf(string plan) => plan.Split('\n')
        .Where(line => line.StartsWith("Inst ", StringComparison.Ordinal))
        .Select(line => line.Split(' ')[1]);

    private static string Launcher(Tool tool, string target)
    {
        var libraries = Path.Combine(target, "usr", "lib");
        var folders = Directory.EnumerateFiles(libraries, "*.so*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(target, Path.GetDirectoryName(file) ?? target))
            .Distinct().Order(StringComparer.Ordinal).Select(folder => $"$here/{folder}");
        return $"""
            #!/bin/sh
            here=$(dirname "$(readlink -f "$0")")
            export LD_LIBRARY_PATH="{string.Join(':', folders)}"
            exec "$here/{tool.Program}" "$@"

            """;
    }

    private static async Task RequireAsync(
        string program, string[] arguments, string directory, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(program, arguments, directory, Environment, cancellation);
        if (result.ExitCode != 0)
            throw new SetupException($"{program} {string.Join(' ', arguments)} failed:\n{result.Tail()}");
    }

    /// <param name="NeedsLibraries">It is linked with libraries of other packages, which are brought too.</param>
    private sealed record Tool(string Name, string Package, string Program, bool NeedsLibraries);
}
