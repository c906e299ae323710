namespace Lepton.Setup.Npm;

/// <summary>
/// The Aspire CLI carries DCP and the dashboard packed inside itself and unpacks them by its own word
/// <c>setup</c>, which downloads nothing. It runs with a scratch home, so that it leaves no trace in the user's.
/// </summary>
internal static class AspireBundle
{
    public static async Task UnpackAsync(
        NpmInstall install, string folder, string target, CancellationToken cancellation)
    {
        var package = install.Package("@microsoft/aspire-cli-linux-x64");
        var unpacked = Find(package, folder) ?? await RunSetupAsync(install, package, folder, cancellation);
        Trees.MoveContent(unpacked, target);
    }

    private static async Task<string> RunSetupAsync(
        NpmInstall install, string package, string folder, CancellationToken cancellation)
    {
        var home = Path.Combine(install.Directory, "aspire-home");
        Directory.CreateDirectory(home);
        var environment = new Dictionary<string, string?>
        {
            ["HOME"] = home,
            ["XDG_CACHE_HOME"] = null,
            ["XDG_DATA_HOME"] = null,
            ["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
        };
        var program = Path.Combine(package, "bin", "aspire");
        var result =
            await Command.RunAsync(program, ["setup", "--non-interactive"], package, environment, cancellation);
        return (result.ExitCode == 0 ? Find(package, folder) : null)
            ?? throw new SetupException(
                $"aspire setup did not unpack {folder} (exit {result.ExitCode}):\n{result.Tail()}");
    }

    private static string? Find(string package, string folder)
    {
        var versions = Path.Combine(package, "versions");
        return Directory.Exists(versions)
            ? Directory.EnumerateDirectories(versions).Select(version => Path.Combine(version, folder))
                .FirstOrDefault(Directory.Exists)
            : null;
    }
}
