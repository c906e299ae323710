using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Compliance.Audit.Retention;

/// <summary>Legal holds: what they cover is kept, whatever its age.</summary>
internal sealed class Holds(AuditDatabase database, TimeProvider time)
{
    private const string Columns = "hold_id, case_id, tenant, from_time, to_time, place_time, release_time";

    public async Task<LegalHold> PlaceAsync(LegalHold hold, CancellationToken cancellationToken)
    {
        var placed = hold.Clone();
        placed.HoldId = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        placed.PlaceTime = Timestamp.FromDateTimeOffset(time.GetUtcNow());
        placed.ReleaseTime = null;
        await database.ExecuteAsync(
            $"INSERT INTO audit_holds ({Columns}) VALUES ($1, $2, $3, $4, $5, $6, NULL)",
            [
                Sql.Of(Guid.Parse(placed.HoldId)), Sql.Of(placed.CaseId), Sql.Of(placed.Tenant),
                Sql.Of(placed.FromTime.ToDateTimeOffset()), Sql.Of(placed.ToTime.ToDateTimeOffset()),
                Sql.Of(placed.PlaceTime.ToDateTimeOffset()),
            ], cancellationToken);
        return placed;
    }

    /// <summary>Null: there is no such hold. One that is released stays as it is.</summary>
    public async Task<LegalHold?> ReleaseAsync(Guid id, CancellationToken cancellationToken)
    {
        await database.ExecuteAsync(
            "UPDATE audit_holds SET release_time = $2 WHERE hold_id = $1 AND release_time IS NULL",
            [Sql.Of(id), Sql.Of(time.GetUtcNow())], cancellationToken);
        return await FindAsync(id, cancellationToken);
    }

    public async Task<LegalHold?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        (await database.QueryAsync($"SELECT {Columns} FROM audit_holds WHERE hold_id = $1", [Sql.Of(id)], Read,
            cancellationToken)).FirstOrDefault();

    /// <summary>The newest first, before an id (of UUIDv7: by time).</summary>
    public Task<List<LegalHold>> ListAsync(
        Guid before, string? tenant, int count, CancellationToken cancellationToken) => database.QueryAsync(
        $"""
        SELECT {Columns} FROM audit_holds WHERE hold_id < $1 AND ($2 = '*' OR tenant = $2)
        ORDER BY hold_id DESC LIMIT $3
        """, [Sql.Of(before), Sql.Of(tenant ?? "*"), Sql.Of(count)], Read, cancellationToken);

    /// <summary>Whether a hold keeps a partition of a time.</summary>
    public async Task<bool> KeepsAsync(
        string partition, bool isOwn, DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        // Of a copy the tenants are in the bytes only: there a hold of any tenant keeps all.
        var ofTenant = isOwn
            ? $"h.tenant = '' OR EXISTS (SELECT FROM {partition} e WHERE e.tenant = h.tenant)"
            : "true";
        return (await database.QueryAsync(
            $"""
            SELECT EXISTS (SELECT FROM audit_holds h WHERE h.release_time IS NULL AND h.from_time < $2
                AND h.to_time > $1 AND ({ofTenant}))
            """, [Sql.Of(new DateTimeOffset(from)), Sql.Of(new DateTimeOffset(to))], r => r.GetBoolean(0),
            cancellationToken))[0];
    }

    private static LegalHold Read(NpgsqlDataReader row) => new()
    {
        HoldId = row.GetGuid(0).ToString(), CaseId = row.GetString(1), Tenant = row.GetString(2),
        FromTime = TimeOf(row.GetDateTime(3)), ToTime = TimeOf(row.GetDateTime(4)),
        PlaceTime = TimeOf(row.GetDateTime(5)), ReleaseTime = row.IsDBNull(6) ? null : TimeOf(row.GetDateTime(6)),
    };

    private static Timestamp TimeOf(DateTime time) => Timestamp.FromDateTime(DateTime.SpecifyKind(
        time, DateTimeKind.Utc));
}
