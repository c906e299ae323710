using Lepton.Postgres;
using Npgsql;

namespace Lepton.Eng.Tests.Postgres;

/// <summary>What a server that was started for the first time gives.</summary>
public sealed class ServingTests(ServingServer server) : IClassFixture<ServingServer>
{
    [Fact]
    public void Start_FirstTime_GivesEachServiceItsOwnDatabase()
    {
        Assert.Equal("routing", server.Supervisor.Query("routing", "SELECT current_user"));
        Assert.Equal("C.UTF-8", server.Supervisor.Query("inference",
            "SELECT datlocale FROM pg_database WHERE datname = current_database()"));
        var stranger =
            new NpgsqlConnectionStringBuilder(server.Supervisor.ConnectionString("routing")) { Database = "inference" };
        using var connection = new NpgsqlConnection(stranger.ConnectionString);
        Assert.Equal("42501", Assert.Throws<Npgsql.PostgresException>(connection.Open).SqlState);
    }

    [Fact]
    public void Start_WrongPassword_IsRefused()
    {
        var wrong =
            new NpgsqlConnectionStringBuilder(server.Supervisor.ConnectionString("routing")) { Password = "wrong" };
        using var connection = new NpgsqlConnection(wrong.ConnectionString);
        Assert.Equal("28P01", Assert.Throws<Npgsql.PostgresException>(connection.Open).SqlState);
    }

    [Fact]
    public void Start_Network_ListensNowhere()
    {
        Assert.Equal("", server.Supervisor.Query("routing", "SHOW listen_addresses"));
    }

    [Fact]
    public void Start_Files_AreTheOwnersOnly()
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
            | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        string[] secret = [server.Data, $"{server.Data}/pgdata", $"{server.Data}/connections.json",
            $"{server.Data}/secrets.json", $"{server.Data}/socket"];
        Assert.All(secret, path => Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & others));
    }

    [Fact]
    public void Check_ServingServer_IsReady() =>
        Assert.Equal(0, PostgresCommand.Run(["--check", "--data", server.Data]));

    [Fact]
    public void Check_NoServer_IsNot() => Assert.Equal(1, PostgresCommand.Run(["--check", "--data", "/nonexistent"]));

    [Fact]
    public void Start_Twice_TheSecondIsRefused()
    {
        var (exitCode, output) = RunningSupervisor.RunToEnd(server.Data);

        Assert.Equal(1, exitCode);
        Assert.Contains("another supervisor runs", output, StringComparison.Ordinal);
        Assert.Equal(1, server.Supervisor.Query("routing", "SELECT 1"));
    }
}
