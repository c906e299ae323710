using System.Diagnostics;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Tests.Platform;

public sealed class ProcessTests : IDisposable
{
    private readonly ProcessTable table = new();
    private readonly Instance instance = new("x", Directory.CreateTempSubdirectory("lepton-instance-").FullName);
    private readonly List<Process> started = [];

    public void Dispose()
    {
        foreach (Process process in started)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(instance.Folder, recursive: true);
    }

    [Fact]
    public void Find_ThisProcess_HasNameParentAndMemory()
    {
        ProcessRow row = table.Find(Environment.ProcessId)!;

        Assert.True(table.IsAlive(row.Id));
        Assert.False(table.IsAlive(row.Id with { StartTicks = row.Id.StartTicks + 1 }));
        Assert.True(row.ParentPid > 0);
        Assert.True(table.PssBytes(Environment.ProcessId) > 1 << 20);
    }

    [Fact]
    public void OfInstance_MarkedAndDescendants_AreFoundAndNoOthers()
    {
        // The child drops its environment, as PostgreSQL does: it is found by its parent.
        Process marked = Start("sleep 300 & env -i sleep 301 & wait", marked: true);
        Process other = Start("sleep 302 & wait", marked: false);

        WaitUntil(() => table.OfInstance(instance).Count == 3);

        Assert.Contains(table.OfInstance(instance), r => r.Id.Pid == marked.Id);
        Assert.DoesNotContain(table.OfInstance(instance), r => r.Id.Pid == other.Id);
    }

    [Fact]
    public async Task Shutdown_ObedientStubbornAndOrphaned_LeavesNoneAndTouchesNoOther()
    {
        Process host = Start("trap 'exit 0' TERM; while :; do sleep 0.05; done", marked: true);
        Process stubborn = Start("trap '' TERM; while :; do sleep 0.05; done", marked: true);
        Process other = Start("sleep 303 & wait", marked: false);
        WaitUntil(() => table.OfInstance(instance).Count >= 2);
        Shutdown shutdown = new(table, TimeProvider.System)
        {
            Patience = TimeSpan.FromSeconds(5), LeftoverPatience = TimeSpan.FromMilliseconds(500),
        };

        ShutdownReport report =
            await shutdown.RunAsync(instance, table.Find(host.Id)!.Id, CancellationToken.None);

        Assert.True(report.WasRunning);
        Assert.True(report.Killed >= 1);
        Assert.Empty(report.Remaining);
        Assert.Empty(table.OfInstance(instance));
        Assert.True(stubborn.WaitForExit(TimeSpan.FromSeconds(5)));
        Assert.False(other.HasExited);
    }

    [Fact]
    public async Task Shutdown_NothingThere_IsQuickAndQuiet()
    {
        ShutdownReport report = await new Shutdown(table, TimeProvider.System)
            .RunAsync(instance, new ProcessId(Environment.ProcessId, 1), CancellationToken.None);

        Assert.Equal((false, 0, 0), (report.WasRunning, report.Processes, report.Killed));
    }

    private Process Start(string script, bool marked)
    {
        ProcessStartInfo start = new("/bin/sh") { ArgumentList = { "-c", script } };
        if (marked)
        {
            start.Environment[Instance.Marker] = instance.Folder;
        }

        Process process = Process.Start(start)!;
        started.Add(process);
        return process;
    }

    private static void WaitUntil(Func<bool> condition)
    {
        bool reached = SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(10));
        Assert.True(reached);
    }
}
