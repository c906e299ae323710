using Microsoft.EntityFrameworkCore;

namespace Lepton.Identity.Storage;

/// <summary>
/// The tables, made and changed by numbered steps under an advisory lock. EF Core's migrations need its design-time
/// package to be written, which restores nowhere here; steps are as safe and can be read. A step that was released is
/// never changed, and only adds (expand, then contract): instances of two versions may run side by side.
/// </summary>
internal static class Schema
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE signing_keys (
            id text PRIMARY KEY, public_key bytea NOT NULL, sealed_key bytea NOT NULL,
            create_time timestamptz NOT NULL, use_time timestamptz NOT NULL, end_time timestamptz NOT NULL,
            hide_time timestamptz NOT NULL);
        CREATE TABLE users (
            name text PRIMARY KEY, tenant text NOT NULL, password_hash text NOT NULL, seed_hash text);
        CREATE TABLE clients (
            id text PRIMARY KEY, tenant text NOT NULL, method text NOT NULL, public_key bytea, certificate_uri text);
        CREATE TABLE log_in_tries (
            name_hash bytea PRIMARY KEY, failures integer NOT NULL, last_time timestamptz NOT NULL,
            block_until timestamptz);
        CREATE INDEX ON log_in_tries (last_time);
        CREATE TABLE used_assertions (
            client_id text NOT NULL, id_hash bytea NOT NULL, expire_time timestamptz NOT NULL,
            PRIMARY KEY (client_id, id_hash));
        CREATE INDEX ON used_assertions (expire_time);
        CREATE TABLE device_grants (
            code_hash bytea PRIMARY KEY, user_code_hash bytea NOT NULL UNIQUE, client_id text NOT NULL,
            expire_time timestamptz NOT NULL, interval_seconds integer NOT NULL, poll_time timestamptz,
            state integer NOT NULL, tries integer NOT NULL, user_name text, auth_time timestamptz);
        CREATE INDEX ON device_grants (expire_time);
        CREATE TABLE sessions (
            id text PRIMARY KEY, user_name text NOT NULL, client_id text NOT NULL, tenant text NOT NULL,
            auth_time timestamptz NOT NULL, expire_time timestamptz NOT NULL, end_time timestamptz);
        CREATE INDEX ON sessions (expire_time);
        CREATE INDEX ON sessions (user_name);
        CREATE TABLE refresh_tokens (
            hash bytea PRIMARY KEY, session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
            expire_time timestamptz NOT NULL, use_time timestamptz);
        CREATE INDEX ON refresh_tokens (session_id);
        CREATE INDEX ON refresh_tokens (expire_time);
        CREATE TABLE revocations (
            sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind integer NOT NULL, value text NOT NULL,
            before bigint, expire_time timestamptz NOT NULL);
        CREATE INDEX ON revocations (kind, value);
        CREATE INDEX ON revocations (expire_time);
        """,
    ];

    /// <summary>Brings the database to this version; one of a later version is left as it is.</summary>
    public static async Task EnsureAsync(IdentityContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.LockAsync(AdvisoryLock.Schema, cancellationToken);
        await database.Database.ExecuteSqlAsync(
            $"CREATE TABLE IF NOT EXISTS schema_steps (step integer PRIMARY KEY)", cancellationToken);
        var done = await database.Database.SqlQuery<int>($"SELECT count(*)::integer AS \"Value\" FROM schema_steps")
            .SingleAsync(cancellationToken);
        for (var step = done; step < Steps.Length; step++)
        {
            await database.Database.ExecuteSqlRawAsync(Steps[step], cancellationToken);
            await database.Database.ExecuteSqlAsync($"INSERT INTO schema_steps VALUES ({step})", cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }
}
