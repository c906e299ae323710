using Lepton.Setup.Npm;
using Lepton.Setup.Outputs;

namespace Lepton.Setup.Testing;

/// <summary>npm packages that tests alone use: pinned by hash like the others, and kept whole.</summary>
internal static class TestPackages
{
    /// <summary>Makes <c>tools/oidc-provider/node_modules</c> unless it is there.</summary>
    public static async Task EnsureAsync(SetupPaths paths, CancellationToken cancellation)
    {
        var pins = await File.ReadAllTextAsync(Path.Combine(paths.TestNpmProject, "package-lock.json"), cancellation);
        var output = new OutputDirectory(Path.Combine(paths.Tools, "oidc-provider"), InputHash.Of(pins));
        if (output.IsCurrent())
            return;
        Console.WriteLine("set-up: npm packages for tests (6 MB) ...");
        using var install = await NpmInstall.RunAsync(
            paths.TestNpmProject, Path.Combine(paths.Npm, ".install-test"), cancellation);
        await output.ReplaceAsync(target =>
        {
            Directory.Move(install.Modules, Path.Combine(target, "node_modules"));
            return Task.CompletedTask;
        });
    }
}
