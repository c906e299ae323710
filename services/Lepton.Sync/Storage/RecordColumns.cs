using Lepton.Sync.Records;
using Npgsql;
using NpgsqlTypes;

namespace Lepton.Sync.Storage;

/// <summary>Rows as arrays, one a column, for UNNEST: <c>$1</c> to <c>$10</c>; and rows as they are read.</summary>
internal static class RecordColumns
{
    /// <summary>In this order everywhere; the replication reads the table by these names.</summary>
    public const string Names = "class, slot, key, term, clock, kind, key_id, body, sha256, request_id";

    /// <summary>The first ten parameters as rows.</summary>
    public const string Unnest = "unnest($1::int2[], $2::int2[], $3::bytea[], $4::int8[], $5::int8[], $6::int2[], "
        + "$7::uuid[], $8::bytea[], $9::bytea[], $10::uuid[]";

    /// <summary>Adds the ten parameters.</summary>
    public static void Add(NpgsqlParameterCollection parameters, IReadOnlyList<StoredRecord> records)
    {
        var count = records.Count;
        var (classes, slots, kinds) = (new short[count], new short[count], new short[count]);
        var (terms, clocks) = (new long[count], new long[count]);
        var (keyIds, requests) = (new Guid?[count], new Guid?[count]);
        var keys = new ReadOnlyMemory<byte>[count];
        var bodies = new ReadOnlyMemory<byte>[count];
        var digests = new ReadOnlyMemory<byte>[count];
        for (var i = 0; i < count; i++)
        {
            var record = records[i];
            (classes[i], slots[i], kinds[i]) = (record.Class.Value, record.Slot.Value, (short)record.Kind);
            (terms[i], clocks[i]) = (record.Version.Term, record.Version.Clock);
            keyIds[i] = record.KeyId == KeyId.None ? null : record.KeyId.Value;
            requests[i] = record.RequestId == Guid.Empty ? null : record.RequestId;
            (keys[i], bodies[i], digests[i]) = (record.Key, record.Body, record.Sha256);
        }
        parameters.Add(Array(classes));
        parameters.Add(Array(slots));
        parameters.Add(Bytes(keys));
        parameters.Add(Array(terms));
        parameters.Add(Array(clocks));
        parameters.Add(Array(kinds));
        parameters.Add(Array(keyIds));
        parameters.Add(Bytes(bodies));
        parameters.Add(Bytes(digests));
        parameters.Add(Array(requests));
    }

    public static NpgsqlParameter Array<T>(T[] values) => new NpgsqlParameter<T[]> { TypedValue = values };

    public static NpgsqlParameter Bytes(ReadOnlyMemory<byte>[] values) => new NpgsqlParameter<ReadOnlyMemory<byte>[]>
    {
        TypedValue = values,
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea,
    };

    public static NpgsqlParameter Bytes(ReadOnlyMemory<byte> value) => new NpgsqlParameter<ReadOnlyMemory<byte>>
    {
        TypedValue = value,
        NpgsqlDbType = NpgsqlDbType.Bytea,
    };

    public static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    /// <summary>The reader's row, whose columns are <see cref="Names"/> from <paramref name="first"/> on.</summary>
    public static StoredRecord Read(NpgsqlDataReader reader, int first = 0) => new()
    {
        Class = new ClassId(reader.GetInt16(first)),
        Slot = new SlotId(reader.GetInt16(first + 1)),
        Key = reader.GetFieldValue<byte[]>(first + 2),
        Version = new RecordVersion(reader.GetInt64(first + 3), reader.GetInt64(first + 4)),
        Kind = (RecordKind)reader.GetInt16(first + 5),
        KeyId = reader.IsDBNull(first + 6) ? KeyId.None : new KeyId(reader.GetGuid(first + 6)),
        Body = reader.GetFieldValue<byte[]>(first + 7),
        Sha256 = reader.GetFieldValue<byte[]>(first + 8),
        RequestId = reader.IsDBNull(first + 9) ? Guid.Empty : reader.GetGuid(first + 9),
    };
}
