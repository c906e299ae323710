using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Lepton.Sync.Storage;

/// <summary>
/// The node's database and the way into it. Section <c>Sync:Storage</c>. A bad value stops the start with its name and
/// what it takes.
/// </summary>
internal sealed class StorageOptions
{
    public const string Section = "Sync:Storage";

    /// <summary>Connection string of the node's PostgreSQL database (17 or later). Required, or
    /// <see cref="DatabaseFile"/>.</summary>
    public string Database { get; set; } = "";

    /// <summary>
    /// A file with the connection string alone, or the embedded server's <c>connections.json</c> (the entry
    /// <c>sync</c> counts). It may come into being while the service starts.
    /// </summary>
    public string DatabaseFile { get; set; } = "";

    /// <summary>Batches of the home's writes that commit at a time, a connection each. 1 to 64, default 4.</summary>
    [Range(1, 64)]
    public int CommitConnections { get; set; } = 4;

    /// <summary>Connections for all else: reads, what sources sent, sweeping. 1 to 256, default 12.</summary>
    [Range(1, 256)]
    public int OtherConnections { get; set; } = 12;

    /// <summary>Writes that wait for a batch; more are refused. 1 to 1,000,000, default 10,000.</summary>
    [Range(1, 1_000_000)]
    public int WritesWaitingMax { get; set; } = 10_000;

    /// <summary>Writes of one batch. 1 to 10,000, default 1,000.</summary>
    [Range(1, 10_000)]
    public int BatchWritesMax { get; set; } = 1000;

    /// <summary>Bytes of one batch; a single larger write is a batch alone. 64 KiB to 64 MiB, default 4 MiB.</summary>
    [Range(64 << 10, 64 << 20)]
    public int BatchBytesMax { get; set; } = 4 << 20;

    /// <summary>Longest wait for a connection, and for a new one to open. 1 s to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00", ErrorMessage = "1 s to 1 min")]
    public TimeSpan ConnectTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time of one statement, and of one commit. 1 s to 10 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "1 s to 10 min")]
    public TimeSpan CommandTimeMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the start waits for the database. 0 s to 10 min, default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00", ErrorMessage = "0 s to 10 min")]
    public TimeSpan StartTimeMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// This machine's clock behind the greatest version seen by more than this is reported. 1 s to 1 h, default 1 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00", ErrorMessage = "1 s to 1 h")]
    public TimeSpan ClockLagMax { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a request id is known. 1 min to 30 days, default 24 h.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00", ErrorMessage = "1 min to 30 days")]
    public TimeSpan RequestKeepTime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// How old a tombstone is, by its home's clock, before it is collected; not younger than a request id may be.
    /// 1 min to 365 days, default 7 days.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00", ErrorMessage = "1 min to 365 days")]
    public TimeSpan TombstoneKeepTime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often what is older is deleted, of both. 1 s to 1 day, default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "1 s to 1 day")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The connection string, from where it is configured.</summary>
    /// <exception cref="IOException">The file is not there (yet).</exception>
    /// <exception cref="InvalidDataException">The file names no database <c>sync</c>.</exception>
    public string ReadConnection()
    {
        if (Database.Length > 0)
            return Database;
        var text = File.ReadAllText(DatabaseFile).Trim();
        if (!text.StartsWith('{'))
            return text;
        using var json = JsonDocument.Parse(text);
        return json.RootElement.TryGetProperty("sync", out var entry)
            && entry.ValueKind == JsonValueKind.String && entry.GetString() is { Length: > 0 } connection
            ? connection
            : throw new InvalidDataException($"Sync:Storage:DatabaseFile: {DatabaseFile} has no entry \"sync\".");
    }

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(StorageOptions options)
    {
        if (options.Database.Length > 0 == options.DatabaseFile.Length > 0)
            yield return "Sync:Storage:Database takes a connection string, or Sync:Storage:DatabaseFile a file with "
                + "it: one of the two.";
        if (options.TombstoneKeepTime < options.RequestKeepTime)
            yield return "Sync:Storage:TombstoneKeepTime takes at least Sync:Storage:RequestKeepTime: a repeated "
                + "deletion must be known for as long.";
    }
}
