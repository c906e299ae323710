namespace Lepton.Compliance.Audit.Storage;

/// <summary>The audit log's tables. README.md tells what each is for.</summary>
internal static class AuditSchema
{
    /// <summary>A search by any of these is answered newest first from an index alone: sequence follows.</summary>
    private const string Indexes =
        """
        CREATE INDEX audit_entries_event ON audit_entries (event_id);
        CREATE INDEX audit_entries_tenant ON audit_entries (tenant, sequence);
        CREATE INDEX audit_entries_action ON audit_entries (action, sequence);
        CREATE INDEX audit_entries_resource ON audit_entries (resource, sequence) WHERE resource <> '';
        CREATE INDEX audit_entries_actor ON audit_entries (actor, sequence) WHERE actor <> '';
        CREATE INDEX audit_entries_person ON audit_entries (actor_index, sequence) WHERE actor_index IS NOT NULL;
        CREATE INDEX audit_entries_subject ON audit_entries (subject_index, sequence)
            WHERE subject_index IS NOT NULL;
        CREATE INDEX audit_entries_trace ON audit_entries (trace_id) WHERE trace_id <> '';
        CREATE INDEX audit_entries_decision ON audit_entries (decision_id) WHERE decision_id <> '';
        CREATE INDEX audit_entries_not_done ON audit_entries (outcome, sequence) WHERE outcome <> 1;
        CREATE INDEX audit_entries_text ON audit_entries USING gin (to_tsvector('simple', text));
        CREATE INDEX audit_entries_time ON audit_entries USING brin (event_time) WITH (pages_per_range = 32);
        """;

    private const string Entries =
        """
        CREATE TABLE audit_entries (
            sequence int8 NOT NULL,
            write_time timestamptz NOT NULL,
            event_time timestamptz NOT NULL,
            event_id uuid NOT NULL,
            category int2 NOT NULL,
            outcome int2 NOT NULL,
            action text NOT NULL,
            reason text NOT NULL,
            tenant text NOT NULL,
            resource text NOT NULL,
            region text NOT NULL,
            zone text NOT NULL,
            service text NOT NULL,
            process text NOT NULL,
            data_class text NOT NULL,
            decision_id text NOT NULL,
            policy_version text NOT NULL,
            trace_id text NOT NULL,
            actor text NOT NULL,
            actor_index bytea,
            subject_index bytea,
            text text NOT NULL,
            leaf_hash bytea NOT NULL,
            bytes bytea NOT NULL,
            PRIMARY KEY (sequence, write_time)
        ) PARTITION BY RANGE (write_time);
        """;

    private const string Tree =
        """
        CREATE TABLE audit_tiles (
            log text, level int2, tile int8, hashes bytea NOT NULL, PRIMARY KEY (log, level, tile));
        ALTER TABLE audit_tiles ALTER hashes SET STORAGE EXTERNAL;
        CREATE TABLE audit_heads (
            log text, size int8, head_time timestamptz NOT NULL, root bytea NOT NULL, signature text NOT NULL,
            PRIMARY KEY (log, size));
        CREATE TABLE audit_witnesses (
            log text, size int8, witness text, signature text NOT NULL, PRIMARY KEY (log, size, witness));
        CREATE TABLE audit_witnessed (
            log text, size int8, head_time timestamptz NOT NULL, root bytea NOT NULL, signature text NOT NULL,
            countersignature text NOT NULL, PRIMARY KEY (log, size));
        """;

    private const string Copies =
        """
        CREATE TABLE audit_copies (
            log text NOT NULL, sequence int8 NOT NULL, write_time timestamptz NOT NULL, leaf_hash bytea NOT NULL,
            bytes bytea NOT NULL, PRIMARY KEY (log, sequence, write_time)
        ) PARTITION BY RANGE (write_time);
        """;

    private const string Retention =
        """
        CREATE TABLE audit_anchors (
            partition text PRIMARY KEY, log text NOT NULL, first_sequence int8 NOT NULL, last_sequence int8 NOT NULL,
            last_write_time timestamptz NOT NULL, root bytea NOT NULL, drop_time timestamptz NOT NULL);
        CREATE TABLE audit_holds (
            hold_id uuid PRIMARY KEY, case_id text NOT NULL, tenant text NOT NULL, from_time timestamptz NOT NULL,
            to_time timestamptz NOT NULL, place_time timestamptz NOT NULL, release_time timestamptz);
        CREATE TABLE audit_erasures (
            erasure_id uuid PRIMARY KEY, tenant text NOT NULL, handle bytea NOT NULL, order_time timestamptz NOT NULL);
        CREATE TABLE audit_receipts (
            erasure_id uuid REFERENCES audit_erasures, holder text, destroy_time timestamptz, keys int4 NOT NULL,
            PRIMARY KEY (erasure_id, holder));
        """;

    // A kind that is rare is found without reading what is not of it.
    private const string Categories = "CREATE INDEX audit_entries_category ON audit_entries (category, sequence);";

    public static SchemaSteps Steps { get; } =
        new("audit_schema_steps", 0x4C50_4155_4449_5401, [Entries + Indexes, Tree, Copies, Retention, Categories]);
}
