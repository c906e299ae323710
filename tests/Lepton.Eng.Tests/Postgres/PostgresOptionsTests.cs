using Lepton.Postgres;

namespace Lepton.Eng.Tests.Postgres;

public sealed class PostgresOptionsTests
{
    [Fact]
    public void Parse_Complete_IsTaken()
    {
        var options = PostgresOptions.Parse(
            ["--tools", "/t", "--data", "/d", "--databases", "routing,sync+replication"]);

        Assert.Equal(("/t", "/d", null, false),
            (options.Tools, options.Data, options.SocketDirectory, options.IsCheck));
        Assert.Equal(["routing", "sync"], options.Databases);
        Assert.Equal(["sync"], options.Replicating);
    }

    [Theory]
    [InlineData("--tools", "/t", "--data", "/d")]
    [InlineData("--data")]
    [InlineData("--check")]
    [InlineData("--tools", "/t", "--data", "/d", "--databases", "ok,\"; DROP")]
    [InlineData("--tools", "/t", "--data", "/d", "--databases", "sync+superuser")]
    [InlineData("--unknown", "x")]
    public void Parse_IncompleteOrWrong_IsRefused(params string[] args) =>
        Assert.Throws<PostgresException>(() => PostgresOptions.Parse(args));

    [Fact]
    public void PrepareSocketDirectory_LongDataFolder_TakesAShortTemporaryOne()
    {
        using var directory = new TemporaryDirectory();
        var data = directory[new string('x', 90)];
        using var folder = ServerFolder.Lock(data);

        var socket = folder.PrepareSocketDirectory(null);

        Assert.True(socket.Length <= 93 && Directory.Exists(socket));
        folder.RemoveTemporarySocketDirectory();
        Assert.False(Directory.Exists(socket));
    }

    [Fact]
    public void PrepareSocketDirectory_TooLong_IsRefused()
    {
        using var directory = new TemporaryDirectory();
        using var folder = ServerFolder.Lock(directory["d"]);

        Assert.Throws<PostgresException>(() => folder.PrepareSocketDirectory(directory[new string('x', 100)]));
    }
}
