using System.Diagnostics;

namespace Lepton.Cli.Platform;

/// <summary>
/// Has the set-up program issue what is missing: the authority once, services' and tenants' certificates when less
/// than half of their seven days is left.
/// </summary>
internal sealed class Certificates(Installation installation)
{
    private static readonly TimeSpan timeout = TimeSpan.FromSeconds(60);

    public async Task IssueAsync(IReadOnlyList<string> regions, CancellationToken cancellation)
    {
        string binary = installation.Binary("Lepton.Setup");
        if (!File.Exists(binary))
        {
            throw new CommandFailure(ExitCode.Failed, $"The set-up program is not built: {binary} is missing.")
            {
                Hints = ["Run ./lepton setup, or ./lepton up, which does the set-up itself."],
            };
        }

        ProcessStartInfo start = new(binary)
        {
            WorkingDirectory = installation.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("pki");
        start.ArgumentList.Add("--regions");
        start.ArgumentList.Add(string.Join(',', regions));
        start.Environment["LEPTON_ROOT"] = installation.Root;
        start.Environment["LEPTON_HOME"] = installation.Home;
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        using Process process = Process.Start(start)
            ?? throw new CommandFailure(ExitCode.Failed, "The set-up program could not be started.");
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0)
        {
            string text = (await errors + await output).Trim();
            throw new CommandFailure(ExitCode.Failed, $"Certificates could not be issued (exit {process.ExitCode}).")
            {
                Hints = text.Split('\n'),
            };
        }
    }
}
