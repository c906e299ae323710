using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Lepton.Cli.Platform;

/// <summary>What a stop found and did.</summary>
internal sealed record ShutdownReport(bool WasRunning, int Processes, int Killed, IReadOnlyList<ProcessRow> Remaining);

/// <summary>
/// Stops an instance and everything it started: SIGTERM to the app host, which stops its children in order; then
/// whatever is left, first asked (SIGTERM), then forced (SIGKILL). Only processes of this instance are touched.
/// </summary>
internal sealed partial class Shutdown(ProcessTable processes, TimeProvider time)
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int NoSuchProcess = 3; // ESRCH

    private static readonly TimeSpan poll = TimeSpan.FromMilliseconds(50);

    /// <summary>The app host needs about 5 s; a database that checkpoints may need more.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>After the app host has gone, DCP's own clean-up takes 4 to 7 s.</summary>
    public TimeSpan LeftoverPatience { get; init; } = TimeSpan.FromSeconds(10);

    public async Task<ShutdownReport> RunAsync(Instance instance, ProcessId? appHost, CancellationToken cancellation)
    {
        IReadOnlyList<ProcessRow> before = processes.OfInstance(instance);
        bool running = false;
        if (appHost is { } host && processes.IsAlive(host))
        {
            running = true;
            Signal(host, SigTerm);
            await WaitAsync(() => !processes.IsAlive(host), Patience, cancellation);
        }

        // DCP notices its app host's end and cleans up; only after its time is up are leftovers asked one by one.
        TimeSpan cleanUp = running ? LeftoverPatience : TimeSpan.Zero;
        await WaitAsync(() => Left(instance, before).Count == 0, cleanUp, cancellation);
        await SignalAllAsync(instance, before, SigTerm, LeftoverPatience, cancellation);
        int killed = Left(instance, before).Count;
        await SignalAllAsync(instance, before, SigKill, LeftoverPatience, cancellation);
        return new ShutdownReport(running, before.Count, killed, Left(instance, before));
    }

    /// <summary>Those seen at the start that still live, and those that have appeared since.</summary>
    private IReadOnlyList<ProcessRow> Left(Instance instance, IReadOnlyList<ProcessRow> before) =>
    [
        .. before.Where(r => processes.IsAlive(r.Id))
            .Concat(processes.OfInstance(instance))
            .DistinctBy(r => r.Id),
    ];

    private async Task SignalAllAsync(
        Instance instance, IReadOnlyList<ProcessRow> before, int signal, TimeSpan patience,
        CancellationToken cancellation)
    {
        IReadOnlyList<ProcessRow> left = Left(instance, before);
        foreach (ProcessRow row in left)
        {
            Signal(row.Id, signal);
        }

        if (left.Count > 0)
        {
            await WaitAsync(() => Left(instance, before).Count == 0, patience, cancellation);
        }
    }

    private async Task WaitAsync(Func<bool> done, TimeSpan patience, CancellationToken cancellation)
    {
        long start = time.GetTimestamp();
        while (!done() && time.GetElapsedTime(start) < patience)
        {
            await Task.Delay(poll, time, cancellation);
        }
    }

    private void Signal(ProcessId id, int signal)
    {
        // The start time is checked just before, so a number that was given to another process is left alone.
        if (processes.IsAlive(id) && Kill(id.Pid, signal) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"Signal {signal} to process {id.Pid} failed");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
