using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace Lepton.ServiceDefaults;

/// <summary>Certificates in files that may be renewed while they are in use.</summary>
internal abstract partial class FollowedFiles(string name, ILogger logger)
{
    private long renewed;
    private long refused;

    /// <summary>What they are for, as metrics and logs name it: <c>tls</c>, <c>hop</c>.</summary>
    public string Name => name;

    /// <summary>Renewals that were taken.</summary>
    public long Renewed => Interlocked.Read(ref renewed);

    /// <summary>Renewals that were not taken; each state of the files counts once.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <summary>The leaf in use.</summary>
    public abstract X509Certificate2 Leaf { get; }

    /// <summary>Looks at the files if it is time to.</summary>
    public abstract void Look();

    private protected void OnRenewed()
    {
        Interlocked.Increment(ref renewed);
        LogRenewed(name, Leaf.SerialNumber, Leaf.NotAfter.ToUniversalTime());
    }

    private protected void OnRefused(Exception why, string file)
    {
        Interlocked.Increment(ref refused);
        LogRefused(why, name, file);
    }

    [LoggerMessage(LogLevel.Information, "The {Name} certificate was renewed: serial number {Serial}, until {End}.")]
    private partial void LogRenewed(string name, string serial, DateTime end);

    [LoggerMessage(LogLevel.Error,
        "The renewed {Name} certificate {File} is not taken; the former one stays in use.")]
    private partial void LogRefused(Exception why, string name, string file);
}

/// <summary>
/// What is made of some files, made again when they change. What cannot be read or may not be taken is logged and
/// counted, once for each state of the files, and tried again with every look: half a renewal becomes a whole one.
/// </summary>
internal sealed class FollowedFiles<T> : FollowedFiles where T : class
{
    private readonly string[] files;
    private readonly Func<T?, T> read;
    private readonly Func<T, X509Certificate2> leaf;
    private readonly TimeSpan interval;
    private readonly TimeProvider time;
    private readonly Lock looking = new();
    private volatile State state;
    private long lookedAt;
    private string? refusedStamp;

    /// <summary>Reads the files; what is wrong with them is an exception.</summary>
    /// <param name="name">What they are for.</param>
    /// <param name="files">The leaf's file first.</param>
    /// <param name="read">
    /// Makes it, given what is in use (null: nothing yet). Throws <see cref="InvalidDataException"/> when it may not
    /// be taken.
    /// </param>
    /// <param name="leaf">The leaf in it.</param>
    /// <param name="interval">The least time between two looks.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Is told of renewals.</param>
    public FollowedFiles(string name, string[] files, Func<T?, T> read, Func<T, X509Certificate2> leaf,
        TimeSpan interval, TimeProvider time, ILogger logger) : base(name, logger)
    {
        (this.files, this.read, this.leaf, this.interval, this.time) = (files, read, leaf, interval, time);
        // Before reading: what changes meanwhile is read again.
        var stamp = Stamp();
        state = new State(read(null), stamp);
        lookedAt = time.GetTimestamp();
    }

    /// <summary>What is in use. Looks at nothing: for what every request needs.</summary>
    public T Latest => state.Value;

    /// <inheritdoc />
    public override X509Certificate2 Leaf => leaf(Latest);

    /// <summary>What is in use, after a look if it is time for one.</summary>
    public T Current
    {
        get
        {
            Look();
            return Latest;
        }
    }

    /// <inheritdoc />
    public override void Look()
    {
        if (time.GetElapsedTime(Interlocked.Read(ref lookedAt)) < interval || !looking.TryEnter())
            return;
        try
        {
            LookNow();
        }
        finally
        {
            Interlocked.Exchange(ref lookedAt, time.GetTimestamp());
            looking.Exit();
        }
    }

    private void LookNow()
    {
        var known = state;
        var stamp = Stamp();
        if (stamp == known.Stamp)
            return;
        try
        {
            state = new State(read(known.Value), stamp);
            refusedStamp = null;
            OnRenewed();
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException
            or InvalidDataException or ArgumentException)
        {
            if (refusedStamp == stamp)
                return;
            refusedStamp = stamp;
            OnRefused(e, files[0]);
        }
    }

    // A file that is missing has a time too, as .NET tells it. What cannot be looked at cannot be read either: then
    // reading says why.
    private string Stamp()
    {
        try
        {
            return string.Join(' ', files.Select(f => File.GetLastWriteTimeUtc(f).Ticks));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private sealed record State(T Value, string Stamp);
}
