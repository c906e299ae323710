using System.Buffers.Text;
using System.Security.Cryptography;
using Lepton.Identity.Requests;
using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Keys;

/// <summary>A signing key, opened.</summary>
internal sealed record SigningKey(
    ECDsaSecurityKey Key, DateTimeOffset CreateTime, DateTimeOffset UseTime, DateTimeOffset EndTime,
    DateTimeOffset HideTime)
{
    public bool IsUsedAt(DateTimeOffset now) => UseTime <= now && now < EndTime;
}

/// <summary>
/// The signing keys of all instances. A key's times are fixed when it is made: published, then signing from its
/// predecessor's end on, then published still until its last token is over. So instances agree without talking, and a
/// restart changes nothing.
/// </summary>
internal sealed class SigningKeyRing(
    IDbContextFactory<IdentityContext> databases, MasterKey master, AuditTrail audit,
    IOptions<IdentityOptions> options, TimeProvider time)
{
    // The longest access token and the largest allowance for clocks, whatever the options say later.
    private static readonly TimeSpan HideAfter = TimeSpan.FromMinutes(15) + IdentityOptions.ClockSkewMax;

    private volatile IReadOnlyList<SigningKey> _keys = [];

    /// <summary>What verifiers shall know: keys that will sign, sign, or have signed tokens in time.</summary>
    public async ValueTask<IReadOnlyList<SigningKey>> PublishedAsync(CancellationToken cancellationToken)
    {
        await CurrentAsync(cancellationToken);
        var now = time.GetUtcNow();
        return [.. _keys.Where(k => now < k.HideTime)];
    }

    /// <summary>The key that signs now.</summary>
    public async ValueTask<SigningKey> CurrentAsync(CancellationToken cancellationToken)
    {
        if (Find(time.GetUtcNow()) is { } key)
            return key;
        await RefreshAsync(cancellationToken); // nobody looked for longer than a key's lead
        return Find(time.GetUtcNow())
            ?? throw new InvalidOperationException("There is no signing key, and none was made.");
    }

    /// <summary>How long the key in use has been signing; null: none is known.</summary>
    public TimeSpan? Age => time.GetUtcNow() is var now && Find(now) is { } key ? now - key.UseTime : null;

    /// <summary>Reads the keys, and makes the next one when its time has come.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        var rows = await ReadAsync(database, now, cancellationToken);
        if (NextUseTime(rows, now) is not null)
        {
            await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
            await database.LockAsync(AdvisoryLock.Keys, cancellationToken);
            rows = await ReadAsync(database, now, cancellationToken); // another instance may have been first
            var before = rows.Count;
            while (NextUseTime(rows, now) is { } use)
            {
                var made = Make(now, use);
                database.SigningKeys.Add(made);
                rows = [.. rows, made];
            }
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            foreach (var made in rows.Skip(before))
                audit.KeyMade(made.Id);
        }
        var known = _keys;
        _keys = [.. rows.Select(r => known.FirstOrDefault(k => k.Key.KeyId == r.Id) ?? Open(r))];
    }

    private SigningKey? Find(DateTimeOffset now) => _keys.LastOrDefault(k => k.IsUsedAt(now));

    private static Task<List<SigningKeyRow>> ReadAsync(
        IdentityContext database, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.SigningKeys.AsNoTracking().Where(k => k.HideTime > now).OrderBy(k => k.UseTime)
            .ToListAsync(cancellationToken);

    // From when on a key is missing that must be published now.
    private DateTimeOffset? NextUseTime(List<SigningKeyRow> rows, DateTimeOffset now)
    {
        if (rows.Count == 0 || rows[^1].EndTime <= now)
            return now; // the first one, or the first after a long silence: there is nothing to wait for
        return rows[^1].EndTime - options.Value.KeyLead <= now ? rows[^1].EndTime : null;
    }

    private SigningKeyRow Make(DateTimeOffset now, DateTimeOffset use)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var secret = key.ExportPkcs8PrivateKey();
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var id = Base64Url.EncodeToString(SHA256.HashData(publicKey).AsSpan(0, 16));
        var row = new SigningKeyRow
        {
            Id = id,
            PublicKey = publicKey,
            SealedKey = master.Seal(id, secret),
            CreateTime = now,
            UseTime = use,
            EndTime = use + options.Value.KeyTime,
            HideTime = use + options.Value.KeyTime + HideAfter,
        };
        CryptographicOperations.ZeroMemory(secret);
        return row;
    }

    private SigningKey Open(SigningKeyRow row)
    {
        var key = ECDsa.Create();
        var secret = master.Open(row.Id, row.SealedKey);
        key.ImportPkcs8PrivateKey(secret, out _);
        CryptographicOperations.ZeroMemory(secret);
        return new SigningKey(
            new ECDsaSecurityKey(key) { KeyId = row.Id }, row.CreateTime, row.UseTime, row.EndTime, row.HideTime);
    }
}
