using System.Diagnostics;
using Lepton.Postgres;
using Lepton.Sync.Tests.World;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>A node of Sync as a process of its own, as it is deployed.</summary>
internal sealed class ProcessNode(TestKeeper keeper, IReadOnlyDictionary<string, string> settings) : IAsyncDisposable
{
    private const int Continue = 18, Stop = 19; // SIGCONT, SIGSTOP
    private readonly ManualResetEventSlim _over = new();
    private Process? _process;

    public TestKeeper Keeper => keeper;

    public async Task StartAsync()
    {
        string program = Path.Combine(Bench.Home(), "build", "bin", "Lepton.Sync", "release", "Lepton.Sync");
        // It ends with the thread that started it, should the bench be killed.
        ProcessStartInfo start = new("setpriv", ["--pdeathsig", "KILL", "--", program])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(program),
        };
        foreach ((string key, string? value) in keeper.Configuration())
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        foreach ((string key, string value) in settings)
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        start.Environment["DOTNET_gcServer"] = "0";
        TaskCompletionSource<Process> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                started.SetResult(Process.Start(start) ?? throw new InvalidOperationException("Sync did not start."));
            }
            catch (Exception e)
            {
                started.SetException(e);
                return;
            }
            _over.Wait();
        })
        { IsBackground = true }.Start();
        _process = await started.Task;
        _process.OutputDataReceived += (_, _) => { }; // read, so that it is never stopped by a full pipe
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>SIGKILL, and it is gone when this returns.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        _process = null;
        Signals.Send(process.Id, Signals.Kill);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public void Pause() => Signals.Send(_process!.Id, Stop);

    public void Resume() => Signals.Send(_process!.Id, Continue);

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _over.Set();
    }
}
