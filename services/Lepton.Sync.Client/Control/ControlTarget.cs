using System.Security.Cryptography;

namespace Lepton.Sync.Client;

/// <summary>What became of control data that came in.</summary>
internal enum TakeOutcome
{
    /// <summary>It is in use now.</summary>
    Taken,

    /// <summary>It was in use already.</summary>
    Same,

    /// <summary>What is in use from elsewhere, a file, is as new or newer.</summary>
    Passed,
}

/// <summary>
/// Something that control data is for. What is in use began as the seed: a file. A record takes its place when its
/// version is greater; a version never goes back, and one number never stands for two contents.
/// </summary>
/// <param name="key">The record's.</param>
public abstract class ControlTarget(string key)
{
    private long _version;
    private byte[] _digest = [];

    /// <summary>The record's key, e.g. <c>control/access</c>.</summary>
    public string Key { get; } = key;

    /// <summary>
    /// Extended key usages of the certificates that may sign it. Default: the installation's for control data.
    /// </summary>
    public virtual IReadOnlyList<string> SignerUses => [SignedContent.KeyUsage];

    /// <summary>The version in use, wherever it came from.</summary>
    public abstract long Version { get; }

    /// <summary>Puts it to use; its version is greater than <see cref="Version"/>.</summary>
    /// <exception cref="ControlContentException">Something in it is wrong: what was in use stays.</exception>
    protected abstract void Use(SignedContent content);

    /// <summary>Takes it if it is newer. One thread at a time.</summary>
    /// <exception cref="ControlContentException">It is wrong, or goes back.</exception>
    internal TakeOutcome Take(SignedContent content)
    {
        var digest = SHA256.HashData(content.Content.Span);
        if (content.Version < _version)
            throw new ControlContentException($"version {content.Version} is older than {_version}, which was here.");
        if (content.Version == _version)
            return digest.AsSpan().SequenceEqual(_digest)
                ? TakeOutcome.Same
                : throw new ControlContentException(
                    $"version {content.Version} was here with another content: each change counts version up.");
        var isNewer = content.Version > Version;
        if (isNewer)
            Use(content);
        (_version, _digest) = (content.Version, digest);
        return isNewer ? TakeOutcome.Taken : TakeOutcome.Passed;
    }
}

/// <summary>
/// Control data of one type, read without locks: one volatile reference to what never changes.
/// </summary>
/// <param name="key">The record's key.</param>
/// <param name="seed">What is in use until a record of a greater version comes.</param>
/// <param name="versionOf">The version that a value says it has; a record must be signed with the same.</param>
/// <param name="read">
/// From content to value, given the one before; throws a <see cref="FormatException"/> that names the field where it
/// is none.
/// </param>
public sealed class ControlRecord<T>(
    string key, T seed, Func<T, long> versionOf, Func<T, ReadOnlyMemory<byte>, T> read) : ControlTarget(key)
    where T : class
{
    private volatile T _current = seed;

    /// <summary>What is in use.</summary>
    public T Current => _current;

    /// <inheritdoc />
    public override long Version => versionOf(_current);

    /// <summary>
    /// Puts another value of the same content in the place of the one in use, unless a record came meanwhile. For what
    /// depends on the day.
    /// </summary>
    /// <param name="next">Gives the same value where there is nothing to change.</param>
    public bool Refresh(Func<T, T> next)
    {
        ArgumentNullException.ThrowIfNull(next);
        var now = _current;
        var made = next(now);
        return !ReferenceEquals(made, now)
            && ReferenceEquals(Interlocked.CompareExchange(ref _current, made, now), now);
    }

    /// <inheritdoc />
    protected override void Use(SignedContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        var next = Read(content);
        if (versionOf(next) != content.Version)
            throw new ControlContentException(
                $"says version {versionOf(next)} and is signed as version {content.Version}.");
        _current = next;
    }

    private T Read(SignedContent content)
    {
        try
        {
            return read(_current, content.Content);
        }
        catch (FormatException e)
        {
            throw new ControlContentException(e.Message, e);
        }
    }
}
