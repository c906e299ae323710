using System.ComponentModel.DataAnnotations;

namespace Lepton.Identity.Passwords;

/// <summary>
/// Argon2id (RFC 9106). Section <c>Identity:Password</c>. Defaults are OWASP's: 19 MiB, 2 passes, 1 lane.
/// </summary>
internal sealed class PasswordOptions
{
    /// <summary>Memory of one hash in KiB. 19,456 to 1,048,576, default 19,456.</summary>
    [Range(19_456, 1 << 20)]
    public int MemoryKiB { get; set; } = 19_456;

    /// <summary>Passes over it. 2 to 16, default 2.</summary>
    [Range(2, 16)]
    public int Iterations { get; set; } = 2;

    /// <summary>Lanes. 1 to 16, default 1.</summary>
    [Range(1, 16)]
    public int Lanes { get; set; } = 1;

    /// <summary>Hashes at a time: each takes its memory. 1 to 64, default 2.</summary>
    [Range(1, 64)]
    public int HashesMax { get; set; } = 2;

    /// <summary>Log-ins that wait for one; more are asked to come again. 0 to 1,000, default 32.</summary>
    [Range(0, 1000)]
    public int WaitersMax { get; set; } = 32;
}

/// <summary>What wrong passwords lead to. Section <c>Identity:LogIn</c>.</summary>
internal sealed class LogInOptions
{
    /// <summary>Wrong passwords in a row before an account waits. 1 to 100, default 5.</summary>
    [Range(1, 100)]
    public int FailuresMax { get; set; } = 5;

    /// <summary>The first wait; each further wrong password doubles it. 1 s to 1 h, default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan BlockFirst { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest wait. 1 s to 1 day, default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan BlockMax { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Without attempts for so long, failures are forgotten. 1 h to 30 days, default 1 day.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "30.00:00:00")]
    public TimeSpan ForgetTime { get; set; } = TimeSpan.FromDays(1);
}
