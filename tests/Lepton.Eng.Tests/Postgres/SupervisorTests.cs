using Lepton.Postgres;
using Npgsql;

namespace Lepton.Eng.Tests.Postgres;

public sealed class SupervisorTests(InitializedServer initialized) : IClassFixture<InitializedServer>, IDisposable
{
    private readonly TemporaryDirectory directory = new();

    private string Data => directory["zone-a"];

    [Fact]
    public void Kill_Postmaster_RecoversByItselfWithAllCommittedData()
    {
        initialized.CopyTo(Data);
        using var supervisor = new RunningSupervisor(Data, "routing");
        supervisor.WaitReady();
        supervisor.Query("routing", "CREATE TABLE kept AS SELECT 42 AS answer");
        var killed = supervisor.ServerPid;

        Signals.Send(killed, Signals.Kill);
        supervisor.WaitReadyOtherThan(killed);

        Assert.Equal(42, supervisor.Query("routing", "SELECT answer FROM kept"));
        Assert.False(supervisor.HasExited);
    }

    [Fact]
    public void Stop_WithAConnectedClient_EndsEverythingAtOnce()
    {
        initialized.CopyTo(Data);
        using var supervisor = new RunningSupervisor(Data, "routing");
        supervisor.WaitReady();
        // SIGTERM alone would make PostgreSQL wait for this client.
        using var client = new NpgsqlConnection(supervisor.ConnectionString("routing"));
        client.Open();

        Assert.Equal(0, supervisor.Stop());

        Assert.Contains("received fast shutdown request", supervisor.Output, StringComparison.Ordinal);
        Assert.Empty(supervisor.ServerProcesses());
        Assert.False(File.Exists($"{Data}/ready"));
    }

    [Fact]
    public void Restart_AfterAStop_KeepsDataAndConnectionStrings()
    {
        initialized.CopyTo(Data);
        using (var first = new RunningSupervisor(Data, "routing"))
        {
            first.WaitReady();
            first.Query("routing", "CREATE TABLE kept AS SELECT 42 AS answer");
            first.Stop();
        }
        var connections = File.ReadAllText($"{Data}/connections.json");

        using var second = new RunningSupervisor(Data, "routing");
        second.WaitReady();

        Assert.Equal(connections, File.ReadAllText($"{Data}/connections.json"));
        Assert.Equal(42, second.Query("routing", "SELECT answer FROM kept"));
    }

    [Fact]
    public void Kill_Supervisor_TakesTheServerAlongAndTheNextOneStarts()
    {
        initialized.CopyTo(Data);
        using var first = new RunningSupervisor(Data, "routing");
        first.WaitReady();
        var pid = first.ServerPid;

        first.Kill();
        first.WaitNoServerProcess();

        using var second = new RunningSupervisor(Data, "routing");
        second.WaitReadyOtherThan(pid);
        Assert.Equal(1, second.Query("routing", "SELECT 1"));
    }

    [Fact]
    public void Start_LeftoverOfAnInterruptedInitialisation_IsMadeAnew()
    {
        Directory.CreateDirectory($"{Data}/pgdata.new");
        File.WriteAllText($"{Data}/pgdata.new/PG_VERSION", "18");

        using var supervisor = new RunningSupervisor(Data, "routing");
        supervisor.WaitReady();

        Assert.Equal(1, supervisor.Query("routing", "SELECT 1"));
    }

    /// <summary>As in a container that forbids them: root then starts the server as the user nobody.</summary>
    [Fact]
    public void Start_UserNamespacesForbidden_RunsAllTheSame()
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        File.SetUnixFileMode(directory.Path, owner | UnixFileMode.OtherExecute);
        File.WriteAllText(directory["unshare"], "#!/bin/sh\nexit 1\n");
        File.SetUnixFileMode(directory["unshare"], owner);

        using var supervisor = new RunningSupervisor(Data, directory.Path, ["routing"]);
        supervisor.WaitReady();

        Assert.Equal(1, supervisor.Query("routing", "SELECT 1"));
    }

    [Fact]
    public void Start_PidFileOfAStranger_IsNoObstacle()
    {
        initialized.CopyTo(Data);
        File.WriteAllText($"{Data}/pgdata/postmaster.pid", $"{Environment.ProcessId}\n{Data}/pgdata\n");

        using var supervisor = new RunningSupervisor(Data, "routing");
        supervisor.WaitReady();

        Assert.Equal(1, supervisor.Query("routing", "SELECT 1"));
    }

    public void Dispose() => directory.Dispose();
}
