using Npgsql;
using NpgsqlTypes;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>Parameters of statements, by position.</summary>
internal static class Sql
{
    public static NpgsqlParameter Of(long value) => Typed<long>(value, NpgsqlDbType.Bigint);

    public static NpgsqlParameter OfInt(int value) => Typed<int>(value, NpgsqlDbType.Integer);

    public static NpgsqlParameter Of(string value) => Typed<string>(value, NpgsqlDbType.Text);

    public static NpgsqlParameter Of(byte[] value) => Typed<byte[]>(value, NpgsqlDbType.Bytea);

    public static NpgsqlParameter Of(Guid value) => Typed<Guid>(value, NpgsqlDbType.Uuid);

    public static NpgsqlParameter Of(DateTimeOffset value) =>
        Typed<DateTime>(value.UtcDateTime, NpgsqlDbType.TimestampTz);

    public static NpgsqlParameter Of(long[] value) => Typed<long[]>(value, NpgsqlDbType.Array | NpgsqlDbType.Bigint);

    public static NpgsqlParameter Of(short[] value) =>
        Typed<short[]>(value, NpgsqlDbType.Array | NpgsqlDbType.Smallint);

    public static NpgsqlParameter Of(byte[][] value) => Typed<byte[][]>(value, NpgsqlDbType.Array | NpgsqlDbType.Bytea);

    public static NpgsqlParameter Of(string[] value) => Typed<string[]>(value, NpgsqlDbType.Array | NpgsqlDbType.Text);

    public static NpgsqlParameter Of(Guid[] value) => Typed<Guid[]>(value, NpgsqlDbType.Array | NpgsqlDbType.Uuid);

    private static NpgsqlParameter<T> Typed<T>(T value, NpgsqlDbType type) =>
        new() { TypedValue = value, NpgsqlDbType = type };
}
