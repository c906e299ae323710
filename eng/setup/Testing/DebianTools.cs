using Lepton.Setup.Outputs;

namespace Lepton.Setup.Testing;

/// <summary>
/// Programs that tests alone use, taken from Debian's packages without installing them: apt downloads and verifies,
/// dpkg unpacks. Where that cannot be, the tests that need them are skipped, and say so.
/// </summary>
internal sealed class DebianTools(SetupPaths paths)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly Dictionary<string, string?> Environment = new()
    {
        ["LC_ALL"] = "C", ["DEBIAN_FRONTEND"] = "noninteractive",
    };

    /// <summary>Prometheus' own checker of metrics, 48 MB.</summary>
    public Task EnsurePromtoolAsync(CancellationToken cancellation) =>
        EnsureAsync("prometheus", "usr/bin/promtool", cancellation);

    private async Task EnsureAsync(string package, string program, CancellationToken cancellation)
    {
        var name = Path.GetFileName(program);
        var output = new OutputDirectory(Path.Combine(paths.Tools, name), InputHash.Of(package, program));
        if (output.IsCurrent())
            return;
        Console.WriteLine($"set-up: {name}, from Debian's package {package} ...");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        try
        {
            await output.ReplaceAsync(target => FillAsync(package, program, target, limit.Token));
        }
        catch (Exception e) when (e is SetupException or OperationCanceledException
            && !cancellation.IsCancellationRequested)
        {
            Console.WriteLine($"set-up: {name} is not to be had here: {e.Message}");
        }
    }

    private static async Task FillAsync(
        string package, string program, string target, CancellationToken cancellation)
    {
        var scratch = Directory.CreateDirectory(Path.Combine(target, ".scratch")).FullName;
        // A fresh machine has no package lists yet; who may not fetch them has them or goes without.
        if (!await SucceedsAsync("apt-get", ["download", package], scratch, cancellation))
        {
            await SucceedsAsync("apt-get", ["update"], scratch, cancellation);
            await RequireAsync("apt-get", ["download", package], scratch, cancellation);
        }
        var archive = Directory.EnumerateFiles(scratch, "*.deb").Single();
        var unpacked = Path.Combine(scratch, "unpacked");
        await RequireAsync("dpkg", ["-x", archive, unpacked], scratch, cancellation);
        var source = Path.Combine(unpacked, program);
        if (!File.Exists(source))
            throw new SetupException($"Debian's package {package} does not hold {program}.");
        File.Move(source, Path.Combine(target, Path.GetFileName(program)));
        Directory.Delete(scratch, recursive: true);
    }

    private static async Task<bool> SucceedsAsync(
        string program, string[] arguments, string directory, CancellationToken cancellation) =>
        (await Command.RunAsync(program, arguments, directory, Environment, cancellation)).ExitCode == 0;

    private static async Task RequireAsync(
        string program, string[] arguments, string directory, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(program, arguments, directory, Environment, cancellation);
        if (result.ExitCode != 0)
            throw new SetupException($"{program} {string.Join(' ', arguments)} failed:\n{result.Tail()}");
    }
}
