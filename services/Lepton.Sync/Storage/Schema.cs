using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>The tables. Why they are so: README.md, Storage.</summary>
internal static class Schema
{
    private static readonly SchemaSteps Steps = new("schema_steps", 0x4c65_7074_0101,
    [
        """
        CREATE TABLE records (
            class smallint NOT NULL, slot smallint NOT NULL, key bytea NOT NULL, term bigint NOT NULL,
            clock bigint NOT NULL, kind smallint NOT NULL, key_id uuid, body bytea STORAGE EXTERNAL NOT NULL,
            sha256 bytea NOT NULL, request_id uuid, PRIMARY KEY (class, key));
        CREATE INDEX records_by_slot ON records (class, slot, key);
        CREATE INDEX records_by_key_id ON records (key_id, class, key) WHERE kind = 0 AND key_id IS NOT NULL;
        CREATE INDEX records_tombstones ON records (class, slot) WHERE kind = 1;
        CREATE TABLE requests (
            class smallint NOT NULL, key bytea NOT NULL, id uuid NOT NULL, term bigint NOT NULL, clock bigint NOT NULL,
            PRIMARY KEY (class, key, id));
        CREATE INDEX requests_by_clock ON requests (clock);
        CREATE TABLE progress (source smallint PRIMARY KEY, timeline text NOT NULL, position pg_lsn NOT NULL);
        CREATE TABLE clocks (lane smallint PRIMARY KEY, clock bigint NOT NULL) WITH (fillfactor = 50);
        CREATE TABLE stranded_writes (
            class smallint NOT NULL, slot smallint NOT NULL, key bytea NOT NULL, term bigint NOT NULL,
            clock bigint NOT NULL, kind smallint NOT NULL, key_id uuid, body bytea STORAGE EXTERNAL NOT NULL,
            sha256 bytea NOT NULL, request_id uuid, strand_time timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (class, key, term, clock));
        """,
        // Old ones are looked for in every slot, again and again: the young are not read for it.
        """
        CREATE INDEX records_tombstones_by_age ON records (class, slot, clock) WHERE kind = 1;
        DROP INDEX records_tombstones;
        """,
    ]);

    /// <inheritdoc cref="SchemaSteps.EnsureAsync" />
    public static Task EnsureAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        Steps.EnsureAsync(connection, cancellationToken);
}
