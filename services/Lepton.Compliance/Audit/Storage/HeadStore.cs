using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Compliance.Audit.Storage;

/// <summary>Signed heads with their witnesses, of the own log and of those that are copied here.</summary>
internal sealed class HeadStore(AuditDatabase database)
{
    private const string Columns = "h.log, h.size, h.head_time, h.root, h.signature";

    public Task SaveAsync(TreeHead head, CancellationToken cancellationToken) => database.ExecuteAsync(
        """
        INSERT INTO audit_heads (log, size, head_time, root, signature) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """, Parameters(head), cancellationToken);

    public Task AddWitnessAsync(
        string log, long size, WitnessSignature word, CancellationToken cancellationToken) => database.ExecuteAsync(
        """
        INSERT INTO audit_witnesses (log, size, witness, signature)
        SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM audit_heads WHERE log = $1 AND size = $2)
        ON CONFLICT DO NOTHING
        """, [Sql.Of(log), Sql.Of(size), Sql.Of(word.Witness), Sql.Of(word.Signature)], cancellationToken);

    /// <summary>The newest; null: there is none.</summary>
    public async Task<TreeHead?> LatestAsync(string log, CancellationToken cancellationToken) =>
        (await ListAsync(log, long.MaxValue, 1, cancellationToken)).FirstOrDefault();

    /// <summary>The newest that somebody witnessed; null: there is none.</summary>
    public async Task<TreeHead?> LatestWitnessedAsync(string log, CancellationToken cancellationToken) =>
        await OneAsync($"""
            SELECT {Columns} FROM audit_heads h WHERE h.log = $1 AND h.size =
                (SELECT max(w.size) FROM audit_witnesses w WHERE w.log = $1)
            """, [Sql.Of(log)], cancellationToken);

    /// <summary>The head of that size; null: none was signed, or it is no longer kept.</summary>
    public Task<TreeHead?> FindAsync(string log, long size, CancellationToken cancellationToken) =>
        OneAsync($"SELECT {Columns} FROM audit_heads h WHERE h.log = $1 AND h.size = $2",
            [Sql.Of(log), Sql.Of(size)], cancellationToken);

    /// <summary>Heads of at most a size, the newest first.</summary>
    public async Task<List<TreeHead>> ListAsync(
        string log, long sizeMax, int count, CancellationToken cancellationToken)
    {
        var heads = await database.QueryAsync(
            $"SELECT {Columns} FROM audit_heads h WHERE h.log = $1 AND h.size <= $2 ORDER BY h.size DESC LIMIT $3",
            [Sql.Of(log), Sql.Of(sizeMax), Sql.Of(count)], Read, cancellationToken);
        await AddWitnessesAsync(log, heads, cancellationToken);
        return heads;
    }

    /// <summary>Of heads older than a time, keeps the last of each hour.</summary>
    public Task<int> ThinAsync(DateTimeOffset before, CancellationToken cancellationToken) => database.ExecuteAsync(
        """
        WITH kept AS (
            SELECT log, max(size) AS size FROM audit_heads WHERE head_time < $1
            GROUP BY log, date_trunc('hour', head_time)),
        gone AS (
            DELETE FROM audit_heads h WHERE head_time < $1
                AND NOT EXISTS (SELECT FROM kept k WHERE k.log = h.log AND k.size = h.size)
            RETURNING log, size)
        DELETE FROM audit_witnesses w USING gone g WHERE w.log = g.log AND w.size = g.size
        """, [Sql.Of(before)], cancellationToken);

    private async Task<TreeHead?> OneAsync(
        string sql, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken cancellationToken)
    {
        var heads = await database.QueryAsync(sql, parameters, Read, cancellationToken);
        if (heads.Count > 0)
            await AddWitnessesAsync(heads[0].Log, heads, cancellationToken);
        return heads.FirstOrDefault();
    }

    private async Task AddWitnessesAsync(string log, List<TreeHead> heads, CancellationToken cancellationToken)
    {
        var words = await database.QueryAsync(
            "SELECT size, witness, signature FROM audit_witnesses WHERE log = $1 AND size = ANY($2) ORDER BY witness",
            [Sql.Of(log), Sql.Of([.. heads.Select(h => (long)h.Size)])],
            r => (Size: (ulong)r.GetInt64(0), Word: new WitnessSignature
            {
                Witness = r.GetString(1), Signature = r.GetString(2),
            }), cancellationToken);
        foreach (var head in heads)
            head.Witnesses.AddRange(words.Where(w => w.Size == head.Size).Select(w => w.Word));
    }

    private static NpgsqlParameter[] Parameters(TreeHead head) =>
    [
        Sql.Of(head.Log), Sql.Of((long)head.Size), Sql.Of(head.HeadTime.ToDateTimeOffset()),
        Sql.Of(head.Root.ToByteArray()), Sql.Of(head.Signature),
    ];

    private static TreeHead Read(NpgsqlDataReader row) => new()
    {
        Log = row.GetString(0), Size = (ulong)row.GetInt64(1),
        HeadTime = Timestamp.FromDateTime(DateTime.SpecifyKind(row.GetDateTime(2), DateTimeKind.Utc)),
        Root = ByteString.CopyFrom(row.GetFieldValue<byte[]>(3)), Signature = row.GetString(4),
    };
}
