using Lepton.Identity.Revocation;
using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Tokens;

/// <summary>A refresh that was allowed, or why not.</summary>
internal abstract record RefreshOutcome
{
    private RefreshOutcome()
    {
    }

    public sealed record Refreshed(SessionRow Session, string RefreshToken) : RefreshOutcome;

    /// <param name="Reason">One of a few words.</param>
    /// <param name="Session">The session concerned, when there is one.</param>
    public sealed record Refused(string Reason, SessionRow? Session) : RefreshOutcome;
}

/// <summary>
/// Log-ins and their refresh tokens. Each refresh token is good for one use; one that is shown again was stolen, or its
/// successor was: the session ends (RFC 9700, 4.14.2).
/// </summary>
internal sealed class Sessions(
    IDbContextFactory<IdentityContext> databases, RevocationList revocations, IOptions<IdentityOptions> options,
    TimeProvider time)
{
    private readonly IdentityOptions _options = options.Value;

    /// <summary>Begins a session in the caller's transaction.</summary>
    public (SessionRow Session, string RefreshToken) Begin(
        IdentityContext database, UserRow user, string clientId, DateTimeOffset authTime)
    {
        var session = new SessionRow
        {
            Id = Secrets.CreateId(),
            UserName = user.Name,
            ClientId = clientId,
            Tenant = user.Tenant,
            AuthTime = authTime,
            ExpireTime = time.GetUtcNow() + _options.SessionTime,
        };
        database.Sessions.Add(session);
        return (session, AddToken(database, session));
    }

    /// <summary>Uses up a refresh token for the next one.</summary>
    public async Task<RefreshOutcome> RefreshAsync(
        string token, string clientId, CancellationToken cancellationToken)
    {
        if (!Secrets.LooksRight(token))
            return new RefreshOutcome.Refused("unknown_refresh_token", null);
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var hash = Secrets.Hash(token);
        var now = time.GetUtcNow();
        // Two that come at once are one after the other: the second one finds it used.
        var row = (await database.RefreshTokens
            .FromSql($"SELECT * FROM refresh_tokens WHERE hash = {hash} FOR UPDATE")
            .ToListAsync(cancellationToken)).SingleOrDefault();
        if (row is null)
            return new RefreshOutcome.Refused("unknown_refresh_token", null);
        var session = (await database.Sessions
            .FromSql($"SELECT * FROM sessions WHERE id = {row.SessionId} FOR UPDATE")
            .ToListAsync(cancellationToken)).Single();
        if (session.ClientId != clientId)
            return new RefreshOutcome.Refused("other_client", session);
        if (row.UseTime is not null)
        {
            await EndAsync(database, session, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new RefreshOutcome.Refused("refresh_token_reused", session);
        }
        if (session.EndTime is not null)
            return new RefreshOutcome.Refused("session_ended", session);
        if (row.ExpireTime <= now || session.ExpireTime <= now)
            return new RefreshOutcome.Refused("refresh_token_expired", session);
        var isUser = await database.Users.AnyAsync(
            u => u.Name == session.UserName && u.Tenant == session.Tenant, cancellationToken);
        if (!isUser)
            return new RefreshOutcome.Refused("user_gone", session);
        row.UseTime = now;
        var next = AddToken(database, session);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new RefreshOutcome.Refreshed(session, next);
    }

    /// <summary>
    /// Ends a session in the caller's transaction, which must hold its row: no refresh token works, and its access
    /// tokens are revoked.
    /// </summary>
    public async Task EndAsync(IdentityContext database, SessionRow session, CancellationToken cancellationToken)
    {
        if (session.EndTime is not null)
            return;
        session.EndTime = time.GetUtcNow();
        await database.SaveChangesAsync(cancellationToken);
        await revocations.AddSessionAsync(database, session.Id, cancellationToken);
    }

    /// <summary>
    /// Ends all sessions of these subjects, and revokes their tokens up to now, in the caller's transaction. Rows of
    /// sessions before the lock of the list, as everywhere: the other order would wait for itself.
    /// </summary>
    public async Task EndAllAsync(
        IdentityContext database, IReadOnlyCollection<string> subjects, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await database.Sessions.Where(s => subjects.Contains(s.UserName) && s.EndTime == null)
            .ExecuteUpdateAsync(s => s.SetProperty(r => r.EndTime, now), cancellationToken);
        foreach (var subject in subjects)
            await revocations.AddSubjectAsync(database, subject, cancellationToken);
    }

    // A used token stays until its own end: it must be known to be known again.
    private string AddToken(IdentityContext database, SessionRow session)
    {
        var token = Secrets.Create();
        var end = time.GetUtcNow() + _options.RefreshTokenTime;
        database.RefreshTokens.Add(new RefreshTokenRow
        {
            Hash = Secrets.Hash(token),
            SessionId = session.Id,
            ExpireTime = end < session.ExpireTime ? end : session.ExpireTime,
        });
        return token;
    }
}
