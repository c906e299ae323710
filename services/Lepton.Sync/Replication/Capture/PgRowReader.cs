using Lepton.Sync.Records;
using Npgsql;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;

namespace Lepton.Sync.Replication.Capture;

/// <summary>From a tuple of the log to a row.</summary>
internal sealed class PgRowReader(Func<string> connection)
{
    private enum Column
    {
        Other,
        Class,
        Slot,
        Key,
        Term,
        Clock,
        Kind,
        KeyId,
        Body,
        Sha256,
        RequestId,
    }

    private readonly Dictionary<uint, Column[]> _columns = [];

    /// <summary>A relation's columns are told before its first row, and again after each change.</summary>
    public void Learn(RelationMessage relation) => _columns[relation.RelationId] =
        [.. relation.Columns.Select(column => column.ColumnName switch
        {
            "class" => Column.Class,
            "slot" => Column.Slot,
            "key" => Column.Key,
            "term" => Column.Term,
            "clock" => Column.Clock,
            "kind" => Column.Kind,
            "key_id" => Column.KeyId,
            "body" => Column.Body,
            "sha256" => Column.Sha256,
            "request_id" => Column.RequestId,
            _ => Column.Other,
        })];

    /// <summary>The row; null: a newer one has come in its place meanwhile, and comes by itself.</summary>
    public async ValueTask<StoredRecord?> ReadAsync(
        RelationMessage relation, ReplicationTuple tuple, CancellationToken cancellationToken)
    {
        if (!_columns.TryGetValue(relation.RelationId, out var columns))
        {
            Learn(relation);
            columns = _columns[relation.RelationId];
        }
        var row = new Row();
        var at = 0;
        await foreach (var value in tuple.WithCancellation(cancellationToken))
        {
            var column = at < columns.Length ? columns[at++] : Column.Other;
            // A large value that an UPDATE left alone is not in the log.
            if (value.IsUnchangedToastedValue)
                row.IsWhole &= column == Column.Other;
            else if (!value.IsDBNull)
                await row.SetAsync(column, value, cancellationToken);
        }
        return row.IsWhole ? row.ToRecord() : await FetchAsync(row, cancellationToken);
    }

    // The digest is short, so it is always in the log, and no other row of the slot has it.
    private async Task<StoredRecord?> FetchAsync(Row row, CancellationToken cancellationToken)
    {
        await using var open = new NpgsqlConnection(connection());
        await open.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("""
            SELECT key, term, clock, kind, key_id, body, request_id FROM records
            WHERE class = $1 AND slot = $2 AND sha256 = $3
            """, open)
        {
            Parameters = { new() { Value = row.Class }, new() { Value = row.Slot }, new() { Value = row.Sha256 } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        row.Key = reader.GetFieldValue<byte[]>(0);
        (row.Term, row.Clock, row.Kind) = (reader.GetInt64(1), reader.GetInt64(2), reader.GetInt16(3));
        row.KeyId = reader.IsDBNull(4) ? default : reader.GetGuid(4);
        row.Body = reader.IsDBNull(5) ? [] : reader.GetFieldValue<byte[]>(5);
        row.RequestId = reader.IsDBNull(6) ? default : reader.GetGuid(6);
        return row.ToRecord();
    }

    private sealed class Row
    {
        public short Class { get; private set; }

        public short Slot { get; private set; }

        public byte[] Key { get; set; } = [];

        public long Term { get; set; }

        public long Clock { get; set; }

        public short Kind { get; set; }

        public Guid KeyId { get; set; }

        public byte[] Body { get; set; } = [];

        public byte[] Sha256 { get; private set; } = [];

        public Guid RequestId { get; set; }

        public bool IsWhole { get; set; } = true;

        public async ValueTask SetAsync(Column column, ReplicationValue value, CancellationToken cancellationToken)
        {
            switch (column)
            {
                case Column.Class:
                    Class = await value.Get<short>(cancellationToken);
                    break;
                case Column.Slot:
                    Slot = await value.Get<short>(cancellationToken);
                    break;
                case Column.Key:
                    Key = await value.Get<byte[]>(cancellationToken);
                    break;
                case Column.Term:
                    Term = await value.Get<long>(cancellationToken);
                    break;
                case Column.Clock:
                    Clock = await value.Get<long>(cancellationToken);
                    break;
                case Column.Kind:
                    Kind = await value.Get<short>(cancellationToken);
                    break;
                case Column.KeyId:
                    KeyId = await value.Get<Guid>(cancellationToken);
                    break;
                case Column.Body:
                    Body = await value.Get<byte[]>(cancellationToken);
                    break;
                case Column.Sha256:
                    Sha256 = await value.Get<byte[]>(cancellationToken);
                    break;
                case Column.RequestId:
                    RequestId = await value.Get<Guid>(cancellationToken);
                    break;
                default:
                    break;
            }
        }

        public StoredRecord ToRecord() => new()
        {
            Class = new ClassId(Class),
            Slot = new SlotId(Slot),
            Key = Key,
            Version = new RecordVersion(Term, Clock),
            Kind = (RecordKind)Kind,
            KeyId = new KeyId(KeyId),
            Body = Body,
            Sha256 = Sha256,
            RequestId = RequestId,
        };
    }
}
