using System.Diagnostics;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>A server of the bench in a process of its own; ended with the bench.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    public ServerProcess(string name, string program, string[] arguments, IReadOnlyDictionary<string, string?> settings)
    {
        Name = name;
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach ((string key, string? value) in settings)
            start.Environment[key == "urls" ? "ASPNETCORE_URLS" : key.Replace(":", "__", StringComparison.Ordinal)] =
                value;
        // Sixteen processes on two cores: what they compile and collect must not compete with what they serve.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_gcServer"] = "0";
        _process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        _process.OutputDataReceived += static (_, _) => { }; // read, so that it never waits for us
        _process.BeginOutputReadLine();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public string Name { get; }

    /// <exception cref="InvalidOperationException">It ended by itself; with what it said.</exception>
    public void CheckAlive()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"{Name} ended with {_process.ExitCode}: {_errors.Result}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
