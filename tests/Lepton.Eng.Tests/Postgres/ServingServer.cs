namespace Lepton.Eng.Tests.Postgres;

/// <summary>One server for the tests that only look at it.</summary>
public sealed class ServingServer : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public ServingServer()
    {
        Supervisor = new RunningSupervisor(Data, "routing", "inference");
        Supervisor.WaitReady();
    }

    public string Data => directory["zone-a"];

    internal RunningSupervisor Supervisor { get; }

    public void Dispose()
    {
        Supervisor.Dispose();
        directory.Dispose();
    }
}
