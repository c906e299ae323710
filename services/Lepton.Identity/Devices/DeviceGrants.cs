using Lepton.Identity.Storage;
using Lepton.Identity.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Devices;

/// <summary>What a device's question came to.</summary>
internal abstract record PollOutcome
{
    private PollOutcome()
    {
    }

    public sealed record Granted(SessionRow Session, string RefreshToken) : PollOutcome;

    public sealed record Refused(string Error, string Description) : PollOutcome;
}

/// <summary>What a person's answer came to.</summary>
internal enum DecideOutcome
{
    Done,

    /// <summary>No such code waits: never given, over, decided, or tried too often.</summary>
    Unknown,
}

/// <summary>
/// Devices that wait for a person (RFC 8628). A row is changed by conditional updates and under its own lock, so that
/// one decision and one session come of it, whichever instances are asked.
/// </summary>
internal sealed class DeviceGrants(
    IDbContextFactory<IdentityContext> databases, Sessions sessions, IOptions<IdentityOptions> options,
    TimeProvider time)
{
    private const int CodeDraws = 5;
    private const int SlowDownSeconds = 5; // RFC 8628, 3.5

    private readonly IdentityOptions _options = options.Value;

    /// <summary>A new device code and the code that its person types.</summary>
    public async Task<(string DeviceCode, string UserCode)> CreateAsync(
        string clientId, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        for (var draw = 0; draw < CodeDraws; draw++)
        {
            var (code, userCode) = (Secrets.Create(), UserCode.Create());
            var (hash, userHash) = (Secrets.Hash(code), UserCode.Hash(userCode));
            var expires = time.GetUtcNow() + _options.DeviceCodeTime;
            var taken = await database.Database.ExecuteSqlAsync($"""
                INSERT INTO device_grants
                    (code_hash, user_code_hash, client_id, expire_time, interval_seconds, state, tries)
                VALUES ({hash}, {userHash}, {clientId}, {expires}, {_options.DeviceIntervalSeconds},
                    {(int)DeviceState.Pending}, 0)
                ON CONFLICT DO NOTHING
                """, cancellationToken);
            if (taken == 1)
                return (code, userCode);
        }
        throw new InvalidOperationException($"{CodeDraws} user codes in a row were taken.");
    }

    /// <summary>The device asks.</summary>
    public async Task<PollOutcome> PollAsync(string code, string clientId, CancellationToken cancellationToken)
    {
        if (!Secrets.LooksRight(code))
            return Unknown();
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var hash = Secrets.Hash(code);
        var grant = (await database.DeviceGrants
            .FromSql($"SELECT * FROM device_grants WHERE code_hash = {hash} FOR UPDATE")
            .ToListAsync(cancellationToken)).SingleOrDefault();
        if (grant is null || grant.ClientId != clientId || grant.State == DeviceState.Used)
            return Unknown();
        var outcome = await AnswerAsync(database, grant, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return outcome;
    }

    /// <summary>
    /// Counts a log-in for this code; false: no such code waits, or it was the last try. The last one refuses the
    /// device.
    /// </summary>
    public async Task<bool> CountTryAsync(string userCode, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var (hash, now, max) = (UserCode.Hash(userCode), time.GetUtcNow(), _options.DeviceTriesMax);
        var counted = await database.DeviceGrants
            .Where(d => d.UserCodeHash == hash && d.State == DeviceState.Pending && d.ExpireTime > now && d.Tries < max)
            .ExecuteUpdateAsync(d => d.SetProperty(r => r.Tries, r => r.Tries + 1), cancellationToken);
        return counted == 1;
    }

    /// <summary>A log-in for this code failed: was it the last try, the device is refused.</summary>
    public async Task FailTryAsync(string userCode, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var (hash, max) = (UserCode.Hash(userCode), _options.DeviceTriesMax);
        await database.DeviceGrants
            .Where(d => d.UserCodeHash == hash && d.State == DeviceState.Pending && d.Tries >= max)
            .ExecuteUpdateAsync(d => d.SetProperty(r => r.State, DeviceState.Refused), cancellationToken);
    }

    /// <summary>A person decides: their name to approve, null to refuse.</summary>
    public async Task<DecideOutcome> DecideAsync(
        string userCode, string? userName, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var (hash, now) = (UserCode.Hash(userCode), time.GetUtcNow());
        var state = userName is null ? DeviceState.Refused : DeviceState.Approved;
        DateTimeOffset? authTime = userName is null ? null : now;
        var decided = await database.DeviceGrants
            .Where(d => d.UserCodeHash == hash && d.State == DeviceState.Pending && d.ExpireTime > now)
            .ExecuteUpdateAsync(d => d.SetProperty(r => r.State, state).SetProperty(r => r.UserName, userName)
                .SetProperty(r => r.AuthTime, authTime), cancellationToken);
        return decided == 1 ? DecideOutcome.Done : DecideOutcome.Unknown;
    }

    private async Task<PollOutcome> AnswerAsync(
        IdentityContext database, DeviceGrantRow grant, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (grant.ExpireTime <= now)
            return new PollOutcome.Refused("expired_token", "The device code has expired: begin again.");
        if (grant.State == DeviceState.Refused)
            return new PollOutcome.Refused("access_denied", "The person refused, or tried too often.");
        var isEarly = grant.PollTime is { } last && now - last < TimeSpan.FromSeconds(grant.IntervalSeconds);
        grant.PollTime = now;
        if (isEarly)
        {
            grant.IntervalSeconds += SlowDownSeconds;
            return new PollOutcome.Refused("slow_down", $"Ask every {grant.IntervalSeconds} s at most.");
        }
        if (grant.State == DeviceState.Pending)
            return new PollOutcome.Refused("authorization_pending", "The person has not decided yet.");
        grant.State = DeviceState.Used;
        var user = await database.Users.SingleOrDefaultAsync(u => u.Name == grant.UserName, cancellationToken);
        if (user is null)
            return new PollOutcome.Refused("access_denied", "The person who approved is not known any more.");
        var (session, refresh) = sessions.Begin(database, user, grant.ClientId, grant.AuthTime ?? now);
        return new PollOutcome.Granted(session, refresh);
    }

    private static PollOutcome.Refused Unknown() =>
        new("invalid_grant", "The device code is not known, was used, or is another client's.");
}
