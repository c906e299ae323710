using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Compliance.Audit.Witnesses;

/// <summary>Heads of other logs that this service verified, on disk.</summary>
internal sealed class WitnessedHeads(AuditDatabase database)
{
    private const string Columns = "log, size, head_time, root, signature";

    /// <summary>The newest of a log; null: none was seen.</summary>
    public async Task<TreeHead?> LatestAsync(string log, CancellationToken cancellationToken) =>
        (await database.QueryAsync(
            $"SELECT {Columns} FROM audit_witnessed WHERE log = $1 ORDER BY size DESC LIMIT 1", [Sql.Of(log)], Read,
            cancellationToken)).FirstOrDefault();

    /// <summary>The newest of a service's newest log; null: none was seen.</summary>
    public async Task<TreeHead?> LatestOfAsync(string service, CancellationToken cancellationToken) =>
        (await database.QueryAsync(
            $"""
            SELECT {Columns} FROM audit_witnessed WHERE log = $1 OR starts_with(log, $1 || '.')
            ORDER BY length(log) DESC, log DESC, size DESC LIMIT 1
            """, [Sql.Of(service)], Read, cancellationToken)).FirstOrDefault();

    public Task SaveAsync(TreeHead head, WitnessSignature word, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            """
            INSERT INTO audit_witnessed (log, size, head_time, root, signature, countersignature)
            VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
            """,
            [
                Sql.Of(head.Log), Sql.Of((long)head.Size), Sql.Of(head.HeadTime.ToDateTimeOffset()),
                Sql.Of(head.Root.ToByteArray()), Sql.Of(head.Signature), Sql.Of(word.Signature),
            ], cancellationToken);

    /// <summary>Of what is older than a time, keeps the last of each hour, and always the newest.</summary>
    public Task<int> ThinAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.ExecuteAsync(
        """
        DELETE FROM audit_witnessed w WHERE head_time < $1 AND NOT EXISTS (
            SELECT FROM (SELECT log, max(size) AS size FROM audit_witnessed
                GROUP BY log, date_trunc('hour', head_time)) k WHERE k.log = w.log AND k.size = w.size)
        """, [Sql.Of(before)], cancellationToken);

    private static TreeHead Read(NpgsqlDataReader row) => new()
    {
        Log = row.GetString(0), Size = (ulong)row.GetInt64(1),
        HeadTime = Timestamp.FromDateTime(DateTime.SpecifyKind(row.GetDateTime(2), DateTimeKind.Utc)),
        Root = ByteString.CopyFrom(row.GetFieldValue<byte[]>(3)), Signature = row.GetString(4),
    };
}
