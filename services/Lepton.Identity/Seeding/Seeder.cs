using Lepton.Identity.Clients;
using Lepton.Identity.Passwords;
using Lepton.Identity.Storage;
using Lepton.Identity.Tokens;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Lepton.Identity.Seeding;

/// <summary>
/// Makes the database's users and clients those of the seed file, in one transaction. Who is not in it any more, or has
/// another password, key, certificate or tenant, has no session and no good token from then on.
/// </summary>
internal sealed partial class Seeder(
    IDbContextFactory<IdentityContext> databases, PasswordHasher hasher, Sessions sessions,
    IOptions<IdentityOptions> options, ILogger<Seeder> logger)
{
    /// <summary>Reads the file and checks it; null: none is configured.</summary>
    /// <exception cref="InvalidDataException">It is wrong, and where.</exception>
    public SeedFile? Read() => options.Value.SeedFile.Length == 0 ? null : SeedFile.Read(options.Value.SeedFile);

    /// <summary>Applies it. A second time it changes nothing.</summary>
    public async Task ApplyAsync(SeedFile? seed, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.LockAsync(AdvisoryLock.Seed, cancellationToken);
        if (seed is null)
        {
            await KeepCommandLineAsync(database, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return;
        }
        var ended = new HashSet<string>(StringComparer.Ordinal);
        await ApplyUsersAsync(database, seed.Users, ended, cancellationToken);
        await ApplyClientsAsync(database, seed.Clients, ended, cancellationToken);
        await database.SaveChangesAsync(cancellationToken);
        await sessions.EndAllAsync(database, ended, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        LogApplied(seed.Users.Count, seed.Clients.Count, ended.Count);
    }

    private static async Task KeepCommandLineAsync(IdentityContext database, CancellationToken cancellationToken) =>
        await database.Database.ExecuteSqlAsync($"""
            INSERT INTO clients (id, tenant, method) VALUES ({SeedFile.CommandLineClient}, '', {ClientMethod.None})
            ON CONFLICT DO NOTHING
            """, cancellationToken);

    private async Task ApplyUsersAsync(IdentityContext database, IReadOnlyList<SeedUser> users, HashSet<string> ended,
        CancellationToken cancellationToken)
    {
        var present = await database.Users.ToDictionaryAsync(u => u.Name, cancellationToken);
        foreach (var user in users)
        {
            if (!present.Remove(user.Name, out var row))
            {
                var hash = user.PasswordHash ?? await HashAsync(user, cancellationToken);
                database.Users.Add(new UserRow
                {
                    Name = user.Name, Tenant = user.Tenant, PasswordHash = hash, SeedHash = user.PasswordHash,
                });
                continue;
            }
            var hasPassword = await HasPasswordAsync(row, user, cancellationToken);
            if (hasPassword && row.Tenant == user.Tenant)
                continue;
            ended.Add(user.Name);
            row.Tenant = user.Tenant;
            if (hasPassword)
                continue;
            row.PasswordHash = user.PasswordHash ?? await HashAsync(user, cancellationToken);
            row.SeedHash = user.PasswordHash;
        }
        database.Users.RemoveRange(present.Values);
        ended.UnionWith(present.Keys);
    }

    private static async Task ApplyClientsAsync(IdentityContext database, IReadOnlyList<SeedClient> clients,
        HashSet<string> ended, CancellationToken cancellationToken)
    {
        var present = await database.Clients.ToDictionaryAsync(c => c.Id, cancellationToken);
        foreach (var client in clients)
        {
            if (!present.Remove(client.Id, out var row))
            {
                database.Clients.Add(new ClientRow
                {
                    Id = client.Id, Tenant = client.Tenant, Method = client.Method, PublicKey = client.PublicKey,
                    CertificateUri = client.CertificateUri,
                });
                continue;
            }
            if (row.Tenant == client.Tenant && row.Method == client.Method
                && row.CertificateUri == client.CertificateUri
                && row.PublicKey.AsSpan().SequenceEqual(client.PublicKey))
                continue;
            ended.Add(client.Id);
            (row.Tenant, row.Method, row.PublicKey, row.CertificateUri) =
                (client.Tenant, client.Method, client.PublicKey, client.CertificateUri);
        }
        database.Clients.RemoveRange(present.Values);
        ended.UnionWith(present.Keys);
    }

    // A hash that was raised since is still the one that the file gave.
    private async Task<bool> HasPasswordAsync(UserRow row, SeedUser user, CancellationToken cancellationToken)
    {
        if (user.PasswordHash is { } given)
            return row.SeedHash == given || row.PasswordHash == given;
        return user.Password is { } password && PasswordHash.TryParse(row.PasswordHash, out var hash)
            && await hasher.MatchesAsync(hash, password, cancellationToken) == true;
    }

    private async Task<string> HashAsync(SeedUser user, CancellationToken cancellationToken) =>
        (await hasher.HashAsync(user.Password ?? "", cancellationToken)
            ?? throw new InvalidOperationException("Too many hashes at the start.")).ToString();

    [LoggerMessage(LogLevel.Information,
        "The seed file was applied: {Users} users, {Clients} clients; {Ended} were changed or removed")]
    private partial void LogApplied(int users, int clients, int ended);
}
