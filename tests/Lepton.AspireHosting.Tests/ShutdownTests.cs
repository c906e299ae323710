using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Lepton.AspireHosting.Tests;

/// <summary>However an app host ends, nothing that it started is left.</summary>
public sealed class ShutdownTests : IDisposable
{
    private const int Sigkill = 9;
    private const int Sigterm = 15;
    private const string Mark = "PROBE_HOST_MARK";

    private readonly CancellationTokenSource limit = new(RunningApplication.Limit);
    private readonly string mark = Guid.NewGuid().ToString("N");

    public void Dispose() => limit.Dispose();

    [DcpFact]
    public async Task Sigterm_RunningApplication_LeavesNoProcess()
    {
        using Process host = await StartAsync();

        Assert.Equal(0, Kill(host.Id, Sigterm));
        await host.WaitForExitAsync(limit.Token);
        await UntilNoneIsLeftAsync(TimeSpan.FromSeconds(10));

        Assert.Equal(0, host.ExitCode);
    }

    [DcpFact]
    public async Task Sigkill_RunningApplication_LeavesNoProcess()
    {
        using Process host = await StartAsync();

        Assert.Equal(0, Kill(host.Id, Sigkill));
        await host.WaitForExitAsync(limit.Token);

        await UntilNoneIsLeftAsync(TimeSpan.FromSeconds(30));
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int pid, int signal);

    /// <summary>An app host whose three processes and orchestrator run.</summary>
    private async Task<Process> StartAsync()
    {
        string assembly = AppHostMetadata.Read(
            Assembly.GetExecutingAssembly(),
            AppHostMetadata.TargetPathPrefix + new Projects.Lepton_AspireHosting_ProbeHost().ProjectPath)
            ?? throw new InvalidOperationException("The probe host is not known.");
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(assembly);
        start.ArgumentList.Add("--no-dashboard");
        start.Environment[Mark] = mark;
        Process host = Process.Start(start) ?? throw new InvalidOperationException("The probe host did not start.");
        host.OutputDataReceived += (_, _) => { };
        host.BeginOutputReadLine();
        host.BeginErrorReadLine();
        while (Marked().Count(p => p.Command.Contains("Probe", StringComparison.Ordinal) && p.Id != host.Id) < 2
            || !Marked().Any(p => p.Command.StartsWith("sleep", StringComparison.Ordinal)))
        {
            Assert.False(host.HasExited, "the probe host ended early");
            await Task.Delay(100, limit.Token);
        }

        return host;
    }

    private async Task UntilNoneIsLeftAsync(TimeSpan within)
    {
        var clock = Stopwatch.StartNew();
        while (Marked() is { Count: > 0 } left)
        {
            if (clock.Elapsed > within)
            {
                foreach (var process in left)
                    _ = Kill(process.Id, Sigkill);
                Assert.Fail($"after {within.TotalSeconds} s: {string.Join("; ", left.Select(p => p.Command))}");
            }

            await Task.Delay(100, limit.Token);
        }
    }

    /// <summary>Every live process that inherited this test's mark. A zombie has no environment any more.</summary>
    private List<(int Id, string Command)> Marked()
    {
        var found = new List<(int, string)>();
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out int id) || id == Environment.ProcessId)
                continue;
            try
            {
                string environment = File.ReadAllText(Path.Combine(folder, "environ"));
                if (environment.Contains($"{Mark}={mark}", StringComparison.Ordinal))
                    found.Add((id, File.ReadAllText(Path.Combine(folder, "cmdline")).Replace('\0', ' ')));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is somebody else's.
            }
        }

        return found;
    }
}
