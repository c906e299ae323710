using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace Lepton.Compliance.Audit;

/// <summary>
/// The zone's audit log. Section <c>Compliance:Audit</c>. A bad value stops the start with its name and what it takes.
/// </summary>
internal sealed class AuditOptions
{
    public const string Section = "Compliance:Audit";

    /// <summary>Connection string of the zone's database (PostgreSQL 17 or later). Required, or
    /// <see cref="DatabaseFile"/>.</summary>
    public string Database { get; set; } = "";

    /// <summary>
    /// A file with the connection string alone, or the embedded server's <c>connections.json</c> (the entry
    /// <c>compliance</c> counts). It may come into being while the service runs.
    /// </summary>
    public string DatabaseFile { get; set; } = "";

    /// <summary>
    /// The process' own folder for what must not be in the database: persons' keys, the last head. Required. In no
    /// backup: an erased key would come back with it.
    /// </summary>
    [Required(ErrorMessage = "a folder of the process' own, on a durable disk")]
    public string DataDirectory { get; set; } = "";

    /// <summary>32 bytes in base64, mode 0600, the region's: seals the keys on disk. Required; set-up makes
    /// it.</summary>
    [Required(ErrorMessage = "a file with 32 bytes in base64; set-up makes one")]
    public string SecretFile { get; set; } = "";

    /// <summary>
    /// 32 bytes in base64, mode 0600, the same in every region: under it a person's keys are found, so that an erasure
    /// needs no name where it goes. Required; set-up makes it.
    /// </summary>
    [Required(ErrorMessage = "a file with 32 bytes in base64; set-up makes one")]
    public string IndexKeyFile { get; set; } = "";

    /// <summary>Certificate that signs tree heads: the region's service compliance, extended key usage
    /// 1.3.6.1.4.1.59999.1.3. Read anew when it changes. Required.</summary>
    [Required(ErrorMessage = "the PEM file of the certificate that signs tree heads; set-up makes one")]
    public string SignerCertificateFile { get; set; } = "";

    /// <summary>Its key. Required.</summary>
    [Required(ErrorMessage = "the PEM file of the signer's key; set-up makes one")]
    public string SignerKeyFile { get; set; } = "";

    /// <summary>
    /// 1, or one more when an operator gives up a log whose newest entries are lost everywhere, and begins another
    /// (<c>REGION/ZONE.2</c>). 1 to 1,000, default 1.
    /// </summary>
    [Range(1, 1000)]
    public int Generation { get; set; } = 1;

    /// <summary>Months that an entry is kept before its partition is dropped. 1 to 1,200, default 36.</summary>
    [Range(1, 1200)]
    public int KeepMonths { get; set; } = 36;

    /// <summary>Entries of one commit. 1 to 10,000, default 1,000.</summary>
    [Range(1, 10_000)]
    public int BatchEntriesMax { get; set; } = 1000;

    /// <summary>Entries that wait to be written; more are refused. 1,000 to 1,000,000, default 20,000.</summary>
    [Range(1000, 1_000_000)]
    public int WaitingEntriesMax { get; set; } = 20_000;

    /// <summary>A growing log's head is signed so often. 100 ms to 1 min, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan HeadInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A batch is answered when the second zone has it too, or after so long without; then the log goes on with one
    /// copy, degraded, until the second zone has caught up. 100 ms to 1 min, default 5 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan CopyTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Regions beside the own that get a copy. At most 8; default none.</summary>
    [MaxLength(8)]
    public IList<string> CopyRegions { get; } = [];

    /// <summary>
    /// Services (REGION/ZONE) that are gone for good: an empty log begins without their word that they know of no
    /// earlier one. At most 64; default none.
    /// </summary>
    [MaxLength(64)]
    public IList<string> BeginWithout { get; } = [];

    /// <summary>How often the others' heads are fetched and verified. 100 ms to 1 h, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00", ErrorMessage = "100 ms to 1 h")]
    public TimeSpan WitnessInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often a slice of what is stored is verified. 100 ms to 1 day, default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "1.00:00:00", ErrorMessage = "100 ms to 1 day")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Entries of a slice. 256 to 1,000,000, default 10,000.</summary>
    [Range(256, 1_000_000)]
    public int CheckEntries { get; set; } = 10_000;

    /// <summary>How often partitions are made and dropped and statistics taken. 1 s to 1 day, default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00", ErrorMessage = "1 s to 1 day")]
    public TimeSpan MaintenanceInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Deadline of a call to another service. 100 ms to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00", ErrorMessage = "100 ms to 1 min")]
    public TimeSpan CallTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for a connection. 1 s to 1 min, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00", ErrorMessage = "1 s to 1 min")]
    public TimeSpan ConnectTimeMax { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest time of one statement, and of one commit. 1 s to 10 min, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00", ErrorMessage = "1 s to 10 min")]
    public TimeSpan CommandTimeMax { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections for all but writing. 1 to 64, default 8.</summary>
    [Range(1, 64)]
    public int Connections { get; set; } = 8;

    /// <summary>Persons' keys at most. 1,000 to 10,000,000, default 1,000,000.</summary>
    [Range(1000, 10_000_000)]
    public int KeysMax { get; set; } = 1_000_000;

    /// <summary>The connection string, from where it is configured.</summary>
    /// <exception cref="IOException">The file is not there (yet).</exception>
    /// <exception cref="InvalidDataException">The file names no database <c>compliance</c>.</exception>
    public string ReadConnection()
    {
        if (Database.Length > 0)
            return Database;
        var text = File.ReadAllText(DatabaseFile).Trim();
        if (!text.StartsWith('{'))
            return text;
        using var json = JsonDocument.Parse(text);
        return json.RootElement.TryGetProperty("compliance", out var entry)
            && entry.ValueKind == JsonValueKind.String && entry.GetString() is { Length: > 0 } connection
            ? connection
            : throw new InvalidDataException(
                $"Compliance:Audit:DatabaseFile: {DatabaseFile} has no entry \"compliance\".");
    }

    /// <summary>What attributes cannot say.</summary>
    public static IEnumerable<string> Faults(AuditOptions options)
    {
        if (options.Database.Length > 0 == options.DatabaseFile.Length > 0)
            yield return "Compliance:Audit:Database takes a connection string, or Compliance:Audit:DatabaseFile a file "
                + "with it: one of the two.";
    }
}
