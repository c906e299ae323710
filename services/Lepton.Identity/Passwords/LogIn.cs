using System.Security.Cryptography;
using System.Text;
using Lepton.Identity.Seeding;
using Lepton.Identity.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Passwords;

/// <summary>What a log-in came to.</summary>
internal abstract record LogInOutcome
{
    private LogInOutcome()
    {
    }

    public sealed record Accepted(UserRow User) : LogInOutcome;

    /// <summary>Wrong name or wrong password: which of them is not said.</summary>
    /// <param name="KnownName">The name, when somebody has it: what else was typed there may be a password.</param>
    /// <param name="Locked">This failure made the account wait.</param>
    public sealed record Wrong(string? KnownName, bool Locked) : LogInOutcome;

    /// <summary>The account waits after wrong passwords; nothing was compared.</summary>
    public sealed record Blocked(TimeSpan Wait) : LogInOutcome;

    /// <summary>Too many log-ins at a time.</summary>
    public sealed record Busy : LogInOutcome;
}

/// <summary>
/// Checks names and passwords. Each attempt counts as a failure before the password is compared, and a success takes
/// it back: attempts at the same time cannot get past the limit together. Names that nobody has are counted, and wait,
/// and cost the same time as others.
/// </summary>
internal sealed class LogIn(
    IDbContextFactory<IdentityContext> databases, PasswordHasher hasher, IOptions<IdentityOptions> options,
    IdentityMetrics metrics, TimeProvider time)
{
    private readonly LogInOptions _options = options.Value.LogIn;

    public async Task<LogInOutcome> TryAsync(string name, string password, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var nameHash = SHA256.HashData(Encoding.UTF8.GetBytes(name));
        var now = time.GetUtcNow();
        if (await CountAsync(database, nameHash, now, cancellationToken) is not { } attempt)
            return new LogInOutcome.Blocked(await WaitAsync(database, nameHash, now, cancellationToken));
        var user = Names.IsSubject(name)
            ? await database.Users.AsNoTracking().SingleOrDefaultAsync(u => u.Name == name, cancellationToken)
            : null;
        var hash = user is not null && PasswordHash.TryParse(user.PasswordHash, out var parsed) ? parsed : null;
        switch (await hasher.MatchesAsync(hash, password, cancellationToken))
        {
            case null:
                await TakeBackAsync(database, nameHash, attempt.Failures, cancellationToken);
                return new LogInOutcome.Busy();
            case true when user is not null && hash is not null:
                await database.LogInTries.Where(t => t.NameHash == nameHash).ExecuteDeleteAsync(cancellationToken);
                await RaiseAsync(database, user, hash, password, cancellationToken);
                return new LogInOutcome.Accepted(user);
            default:
                metrics.LogInFailures.Add(1);
                if (attempt.BlockUntil is not null)
                    metrics.LockOuts.Add(1);
                return new LogInOutcome.Wrong(user?.Name, attempt.BlockUntil is not null);
        }
    }

    private async Task<LogInTryRow?> CountAsync(
        IdentityContext database, byte[] nameHash, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var forgotten = now - _options.ForgetTime;
        var (max, first, longest) =
            (_options.FailuresMax, _options.BlockFirst.TotalSeconds, _options.BlockMax.TotalSeconds);
        // 2^20 times the first wait is over every longest one: the exponent is bounded so that it cannot overflow.
        var rows = await database.LogInTries.FromSql($"""
            INSERT INTO log_in_tries AS t (name_hash, failures, last_time, block_until)
            VALUES ({nameHash}, 1, {now},
                CASE WHEN 1 >= {max} THEN {now} + make_interval(secs => {first}) END)
            ON CONFLICT (name_hash) DO UPDATE SET
                failures = CASE WHEN t.last_time <= {forgotten} THEN 1 ELSE least(t.failures + 1, 1000000) END,
                last_time = {now},
                block_until = CASE WHEN t.last_time > {forgotten} AND t.failures + 1 >= {max}
                    THEN {now} + make_interval(
                        secs => least({first} * power(2, least(t.failures + 1 - {max}, 20)), {longest}))
                    WHEN 1 >= {max} THEN {now} + make_interval(secs => {first}) END
            WHERE t.block_until IS NULL OR t.block_until <= {now}
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellationToken);
        return rows.SingleOrDefault();
    }

    private static async Task<TimeSpan> WaitAsync(
        IdentityContext database, byte[] nameHash, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var row = await database.LogInTries.AsNoTracking()
            .SingleOrDefaultAsync(t => t.NameHash == nameHash, cancellationToken);
        var wait = (row?.BlockUntil ?? now) - now;
        return wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1);
    }

    // Nothing was compared: the attempt is not one. Only while it is still the last one.
    private static async Task TakeBackAsync(
        IdentityContext database, byte[] nameHash, int failures, CancellationToken cancellationToken) =>
        await database.LogInTries.Where(t => t.NameHash == nameHash && t.Failures == failures).ExecuteUpdateAsync(
            t => t.SetProperty(r => r.Failures, failures - 1).SetProperty(r => r.BlockUntil, (DateTimeOffset?)null),
            cancellationToken);

    private async Task RaiseAsync(IdentityContext database, UserRow user, PasswordHash hash, string password,
        CancellationToken cancellationToken)
    {
        if (!hash.IsWeakerThan(options.Value.Password)
            || await hasher.HashAsync(password, cancellationToken) is not { } better)
            return;
        var (former, raised) = (user.PasswordHash, better.ToString());
        // Unless it was changed meanwhile.
        await database.Users.Where(u => u.Name == user.Name && u.PasswordHash == former)
            .ExecuteUpdateAsync(u => u.SetProperty(r => r.PasswordHash, raised), cancellationToken);
    }
}
