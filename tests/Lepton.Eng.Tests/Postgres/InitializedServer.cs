using System.Diagnostics;

namespace Lepton.Eng.Tests.Postgres;

/// <summary>A stopped server's folder; copying it costs a fraction of making it.</summary>
public sealed class InitializedServer : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public InitializedServer()
    {
        using var supervisor = new RunningSupervisor(directory["zone-a"], "routing");
        supervisor.WaitReady();
        supervisor.Stop();
    }

    public void CopyTo(string data)
    {
        using var copy = Process.Start("cp", ["-a", directory["zone-a"], data]);
        copy.WaitForExit();
        Assert.Equal(0, copy.ExitCode);
    }

    public void Dispose() => directory.Dispose();
}
