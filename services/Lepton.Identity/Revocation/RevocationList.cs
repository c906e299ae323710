using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Lepton.Identity.Revocation;

/// <summary>
/// What must not be taken any more, in a sequence that services read on from where they are. Writers take a lock
/// before they draw a number and hold it until they commit: a reader that saw a number has seen all before it. (Without
/// it a tenth of the rows was lost under concurrent writers.)
/// </summary>
internal sealed class RevocationList(
    IDbContextFactory<IdentityContext> databases, IOptions<IdentityOptions> options, IdentityMetrics metrics,
    TimeProvider time)
{
    // The longest token and the largest allowance for clocks: what the last token it concerns may have.
    private static readonly TimeSpan KeepTime = TimeSpan.FromMinutes(15) + IdentityOptions.ClockSkewMax;

    /// <summary>Revokes one access token.</summary>
    public async Task AddTokenAsync(JsonWebToken token, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await AddAsync(database, RevocationKind.Token, token.Id, null,
            new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + IdentityOptions.ClockSkewMax, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Revokes the access tokens of a session, in the caller's transaction.</summary>
    public Task AddSessionAsync(IdentityContext database, string session, CancellationToken cancellationToken) =>
        AddAsync(database, RevocationKind.Session, session, null, time.GetUtcNow() + KeepTime, cancellationToken);

    /// <summary>Revokes what a subject was issued up to now, in the caller's transaction.</summary>
    public Task AddSubjectAsync(IdentityContext database, string subject, CancellationToken cancellationToken) =>
        // iat has whole seconds: this second's tokens are concerned too.
        AddAsync(database, RevocationKind.Subject, subject, time.GetUtcNow().ToUnixTimeSeconds() + 1,
            time.GetUtcNow() + KeepTime, cancellationToken);

    /// <summary>Is this token of ours revoked?</summary>
    public async Task<bool> ConcernsAsync(JsonWebToken token, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var (id, subject) = (token.Id, token.Subject);
        var session = token.TryGetPayloadValue("sid", out string sid) ? sid : "";
        var issued = new DateTimeOffset(token.IssuedAt, TimeSpan.Zero).ToUnixTimeSeconds();
        return await database.Revocations.AnyAsync(
            r => (r.Kind == RevocationKind.Token && r.Value == id)
                || (r.Kind == RevocationKind.Session && r.Value == session)
                || (r.Kind == RevocationKind.Subject && r.Value == subject && r.Before > issued), cancellationToken);
    }

    /// <summary>
    /// A page of what came after a number, oldest first, and the number to go on from. A number that was never given
    /// out is another database's: the list begins anew.
    /// </summary>
    public async Task<(long Next, IReadOnlyList<RevocationRow> Page)> ReadAsync(
        long after, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var page = await PageAsync(database, after, cancellationToken);
        if (page.Count == 0 && after > 0 && after > await LastAsync(database, cancellationToken))
            (after, page) = (0, await PageAsync(database, 0, cancellationToken));
        return (page.Count > 0 ? page[^1].Sequence : after, page);
    }

    private Task<List<RevocationRow>> PageAsync(
        IdentityContext database, long after, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return database.Revocations.AsNoTracking()
            .Where(r => r.Sequence > after && r.ExpireTime > now).OrderBy(r => r.Sequence)
            .Take(options.Value.RevocationsPageMax).ToListAsync(cancellationToken);
    }

    private static Task<long> LastAsync(IdentityContext database, CancellationToken cancellationToken) =>
        database.Database.SqlQuery<long>($"""
            SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS "Value" FROM revocations_sequence_seq
            """).SingleAsync(cancellationToken);

    private async Task AddAsync(IdentityContext database, RevocationKind kind, string value, long? before,
        DateTimeOffset expires, CancellationToken cancellationToken)
    {
        if (database.Database.CurrentTransaction is null)
            throw new InvalidOperationException("A revocation is written in a transaction: the lock lives in it.");
        await database.LockAsync(AdvisoryLock.Revocations, cancellationToken);
        var known = await database.Revocations.AnyAsync(
            r => r.Kind == kind && r.Value == value && r.Before == before, cancellationToken);
        if (known)
            return;
        database.Revocations.Add(new RevocationRow
        {
            Kind = kind, Value = value, Before = before, ExpireTime = expires,
        });
        await database.SaveChangesAsync(cancellationToken);
        metrics.Revocations.Add(1, new KeyValuePair<string, object?>("kind", kind switch
        {
            RevocationKind.Token => "jti",
            RevocationKind.Session => "sid",
            _ => "sub",
        }));
    }
}
