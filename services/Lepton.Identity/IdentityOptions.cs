using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Lepton.Identity.Passwords;
using Lepton.Identity.Requests;

namespace Lepton.Identity;

/// <summary>
/// What the authority is told. Section <c>Identity</c>. A bad value stops the start with its name and what it takes.
/// </summary>
internal sealed class IdentityOptions
{
    public const string Section = "Identity";

    /// <summary>By how much a service's clock may be behind: its allowance at most (Lepton:Tokens:ClockSkew).</summary>
    public static readonly TimeSpan ClockSkewMax = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Its name and address, the <c>iss</c> of its tokens: https, a host and a port alone, as in
    /// <c>https://identity.example:8443</c>. Required.
    /// </summary>
    [Required(ErrorMessage = "an https URL of a host and a port alone, without a path")]
    public string Issuer { get; set; } = "";

    /// <summary>Connection string of its PostgreSQL database. Required, or <see cref="DatabaseFile"/>.</summary>
    public string Database { get; set; } = "";

    /// <summary>
    /// A file with the connection string alone, or the embedded server's <c>connections.json</c> (the entry
    /// <c>identity</c> counts). It may come into being while the service starts.
    /// </summary>
    public string DatabaseFile { get; set; } = "";

    /// <summary>A file with the 32 bytes, in base64, that signing keys are sealed with. Required.</summary>
    [Required(ErrorMessage = "the path of a file with 32 bytes in base64")]
    public string MasterKeyFile { get; set; } = "";

    /// <summary>Users and clients, JSON; see README.md. Empty: those in the database stay as they are.</summary>
    public string SeedFile { get; set; } = "";

    /// <summary>The <c>aud</c> of its tokens. Default <c>lepton</c>.</summary>
    [Required, StringLength(255, ErrorMessage = "1 to 255 characters")]
    public string Audience { get; set; } = "lepton";

    /// <summary>Life of an access token. 5 to 15 min, default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:05:00", "00:15:00")]
    public TimeSpan AccessTokenTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Life of a refresh token that is not used. 15 min to 90 days, default 7 days.</summary>
    [Range(typeof(TimeSpan), "00:15:00", "90.00:00:00")]
    public TimeSpan RefreshTokenTime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Life of a session, refreshed or not. 15 min to 365 days, default 30 days.</summary>
    [Range(typeof(TimeSpan), "00:15:00", "365.00:00:00")]
    public TimeSpan SessionTime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Longest remaining life of a client's assertion. 10 s to 1 h, default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan AssertionTimeMax { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Allowance for the clocks of clients that sign assertions. 0 s to 5 min, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00")]
    public TimeSpan ClockSkew { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a device's code waits for a person. 1 min to 1 h, default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "01:00:00")]
    public TimeSpan DeviceCodeTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How often a device may ask, in seconds. 1 to 60, default 5 (RFC 8628, 3.2).</summary>
    [Range(1, 60)]
    public int DeviceIntervalSeconds { get; set; } = 5;

    /// <summary>Log-ins tried for one device code; then it is refused. 1 to 100, default 5.</summary>
    [Range(1, 100)]
    public int DeviceTriesMax { get; set; } = 5;

    /// <summary>How long a key signs. 1 h to 365 days, default 7 days.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan KeyTime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// How long a key is published before it signs: longer than services keep an authority's keys unasked
    /// (Lepton:Tokens:KeysInterval). 5 min to 30 days and less than KeyTime, default 30 min.
    /// </summary>
    [Range(typeof(TimeSpan), "00:05:00", "30.00:00:00")]
    public TimeSpan KeyLead { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How often keys are looked at in the database. 1 s to 1 min, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan KeyInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How often what is over is deleted. 1 s to 1 day, default 1 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the start waits for the database. 0 s to 10 min, default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan StartTimeMax { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Revocations in one answer. 1 to 10,000, default 1,000.</summary>
    [Range(1, 10_000)]
    public int RevocationsPageMax { get; set; } = 1000;

    /// <summary>How passwords are hashed.</summary>
    public PasswordOptions Password { get; set; } = new();

    /// <summary>What wrong passwords lead to.</summary>
    public LogInOptions LogIn { get; set; } = new();

    /// <summary>How often one address and one client may ask.</summary>
    public RateOptions Rate { get; set; } = new();

    /// <summary>The connection string, from where it is configured.</summary>
    /// <exception cref="IOException">The file is not there (yet).</exception>
    /// <exception cref="InvalidDataException">The file names no database <c>identity</c>.</exception>
    public string ReadConnection()
    {
        if (Database.Length > 0)
            return Database;
        var text = File.ReadAllText(DatabaseFile).Trim();
        if (!text.StartsWith('{'))
            return text;
        using var json = JsonDocument.Parse(text);
        return json.RootElement.TryGetProperty("identity", out var entry)
            && entry.ValueKind == JsonValueKind.String && entry.GetString() is { Length: > 0 } connection
            ? connection
            : throw new InvalidDataException($"Identity:DatabaseFile: {DatabaseFile} has no entry \"identity\".");
    }
}

/// <summary>What attributes cannot say.</summary>
internal static class IdentityRules
{
    public static IEnumerable<string> FaultsOf(IdentityOptions options)
    {
        List<string> faults = [];
        if (!Uri.TryCreate(options.Issuer, UriKind.Absolute, out var issuer) || issuer.Scheme != Uri.UriSchemeHttps
            || issuer.GetLeftPart(UriPartial.Authority) != options.Issuer || issuer.UserInfo.Length > 0)
            faults.Add("Identity:Issuer takes an https URL of a host and a port alone, without a path or a last '/'.");
        if (options.Database.Length > 0 == options.DatabaseFile.Length > 0)
            faults.Add("Identity:Database takes a connection string, or Identity:DatabaseFile a file with it: one of "
                + "the two.");
        if (options.KeyLead >= options.KeyTime)
            faults.Add("Identity:KeyLead takes less than Identity:KeyTime.");
        if (options.LogIn.BlockMax < options.LogIn.BlockFirst)
            faults.Add("Identity:LogIn:BlockMax takes at least Identity:LogIn:BlockFirst.");
        return faults;
    }
}
