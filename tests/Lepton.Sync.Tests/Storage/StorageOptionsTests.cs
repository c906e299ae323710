using Lepton.ServiceDefaults;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Storage;

/// <summary>A bad value stops the start with its key and what it takes.</summary>
public sealed class StorageOptionsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Validate_DefaultsWithADatabase_Passes() =>
        Assert.True(new OptionsCheck<StorageOptions>(StorageOptions.Section, StorageOptions.Faults)
            .Validate(null, new StorageOptions { Database = "Host=x" }).Succeeded);

    public static TheoryData<string, Action<object>> Faults => new()
    {
        { "Sync:Storage:CommitConnections takes 1 to 64.", o => ((StorageOptions)o).CommitConnections = 0 },
        { "Sync:Storage:OtherConnections takes 1 to 256.", o => ((StorageOptions)o).OtherConnections = 257 },
        { "Sync:Storage:WritesWaitingMax takes 1 to 1000000.", o => ((StorageOptions)o).WritesWaitingMax = 0 },
        { "Sync:Storage:BatchWritesMax takes 1 to 10000.", o => ((StorageOptions)o).BatchWritesMax = 10_001 },
        { "Sync:Storage:BatchBytesMax takes 65536 to 67108864.", o => ((StorageOptions)o).BatchBytesMax = 1 },
        { "Sync:Storage:ConnectTimeMax takes 1 s to 1 min.",
            o => ((StorageOptions)o).ConnectTimeMax = TimeSpan.Zero },
        { "Sync:Storage:CommandTimeMax takes 1 s to 10 min.",
            o => ((StorageOptions)o).CommandTimeMax = TimeSpan.FromHours(1) },
        { "Sync:Storage:StartTimeMax takes 0 s to 10 min.",
            o => ((StorageOptions)o).StartTimeMax = TimeSpan.FromHours(1) },
        { "Sync:Storage:ClockLagMax takes 1 s to 1 h.", o => ((StorageOptions)o).ClockLagMax = TimeSpan.Zero },
        { "Sync:Storage:RequestKeepTime takes 1 min to 30 days.",
            o => ((StorageOptions)o).RequestKeepTime = TimeSpan.Zero },
        { "Sync:Storage:TombstoneKeepTime takes 1 min to 365 days.",
            o => ((StorageOptions)o).TombstoneKeepTime = TimeSpan.FromDays(366) },
        { "Sync:Storage:TombstoneKeepTime takes at least Sync:Storage:RequestKeepTime: a repeated deletion must be "
            + "known for as long.", o => ((StorageOptions)o).TombstoneKeepTime = TimeSpan.FromHours(23) },
        { "Sync:Storage:SweepInterval takes 1 s to 1 day.", o => ((StorageOptions)o).SweepInterval = TimeSpan.Zero },
        { "Sync:Storage:Database takes a connection string, or Sync:Storage:DatabaseFile a file with it: one of the "
            + "two.", o => ((StorageOptions)o).DatabaseFile = "also" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Validate_AValueOutOfRange_NamesTheKeyAndWhatItTakes(string fault, Action<object> change)
    {
        StorageOptions options = new() { Database = "Host=x" };
        change(options);

        Assert.Equal([fault], new OptionsCheck<StorageOptions>(StorageOptions.Section, StorageOptions.Faults)
            .Validate(null, options).Failures!);
    }

    [Theory]
    [InlineData("Host=x;Database=y\n", "Host=x;Database=y")]
    [InlineData("""{ "other": "Host=o", "sync": "Host=s" }""", "Host=s")]
    public void ReadConnection_AFileOfEitherForm_IsRead(string content, string connection)
    {
        File.WriteAllText(_file, content);

        Assert.Equal(connection, new StorageOptions { DatabaseFile = _file }.ReadConnection());
    }

    [Fact]
    public void ReadConnection_AFileWithoutTheEntry_SaysWhichIsMissing()
    {
        File.WriteAllText(_file, """{ "other": "Host=o" }""");

        InvalidDataException e = Assert.Throws<InvalidDataException>(
            () => new StorageOptions { DatabaseFile = _file }.ReadConnection());
        Assert.Contains("has no entry \"sync\"", e.Message, StringComparison.Ordinal);
    }
}
