using System.Data;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;

namespace Lepton.Sync.Erasure;

/// <summary>
/// Orders and receipts in the node's database. Changes of one order come one after the other (row lock).
/// </summary>
internal sealed class ErasureTables(ErasureDatabase databases) : IErasureLog
{
    private const int IdBytes = 16;

    public async Task AddAsync(
        ErasureOrder order, IReadOnlyList<SyncNode> nodes, CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var (id, subject) = (order.Id, order.Subject);
        var digest = subject.Digest.ToArray();
        byte[] none = [];
        await database.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO erasures VALUES (
                {id}, {subject.Tenant}, {digest}, {order.OrderTime}, {order.OrderedBy}, {none}, false, false)
            ON CONFLICT DO NOTHING
            """, cancellationToken);
        foreach (var node in nodes)
            await database.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO erasure_receipts VALUES ({id}, {node.Name}, {node.Region}, NULL, NULL, 0, 0, {none}, 0)
                ON CONFLICT DO NOTHING
                """, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task<Erasure?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        await using var snapshot = await BeginSnapshotAsync(database, cancellationToken);
        var row = await database.Erasures.AsNoTracking().SingleOrDefaultAsync(e => e.Id == id, cancellationToken);
        if (row is null)
            return null;
        var receipts = await database.Receipts.AsNoTracking().Where(r => r.ErasureId == id)
            .ToListAsync(cancellationToken);
        return Of(row, receipts);
    }

    public async Task<int> CountOpenAsync(string orderedBy, CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        return await database.Erasures.CountAsync(
            e => e.OrderedBy == orderedBy && !e.IsFinished, cancellationToken);
    }

    public async Task<IReadOnlyList<Erasure>> ReadOpenAsync(
        string orderedBy, Guid? after, int limit, CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        await using var snapshot = await BeginSnapshotAsync(database, cancellationToken);
        var open = database.Erasures.AsNoTracking()
            .Where(e => (e.OrderedBy == orderedBy && !e.IsFinished) || !e.IsSwept);
        if (after is { } last)
            open = open.Where(e => e.Id > last);
        var rows = await open.OrderBy(e => e.Id).Take(limit).ToListAsync(cancellationToken);
        Guid[] ids = [.. rows.Select(r => r.Id)];
        var receipts = await database.Receipts.AsNoTracking().Where(r => ids.Contains(r.ErasureId))
            .ToListAsync(cancellationToken);
        return [.. rows.Select(row => Of(row, receipts.Where(r => r.ErasureId == row.Id)))];
    }

    public async Task SaveReceiptAsync(
        Guid id, NodeReceipt receipt, IReadOnlyList<KeyId> ownKeys, IReadOnlyList<KeyId> toldKeys,
        CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var row = await database.Erasures.FromSql($"SELECT * FROM erasures WHERE id = {id} FOR UPDATE")
            .SingleAsync(cancellationToken);
        var receipts = await database.Receipts.Where(r => r.ErasureId == id).ToListAsync(cancellationToken);
        var own = receipts.Single(r => r.Node == receipt.Node);
        own.Signature ??= receipt.Signature; // the first one stays
        own.DestroyTime ??= receipt.DestroyTime;
        (own.Keys, own.Records) = own.Signature == receipt.Signature
            ? (receipt.Keys, receipt.Records)
            : (own.Keys, own.Records);
        own.OwnKeyIds = Write(Read(own.OwnKeyIds).Union(ownKeys));
        own.KnownKeys = Math.Max(own.KnownKeys, toldKeys.Count);
        var keys = Read(row.KeyIds);
        KeyId[] all = [.. keys.Union(toldKeys).Union(ownKeys)];
        if (all.Length > keys.Length)
            (row.KeyIds, row.IsSwept) = (Write(all), false);
        row.IsFinished = Of(row, receipts).IsFinished;
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task SetSweptAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var database = databases.Open();
        await database.Erasures.Where(e => e.Id == id)
            .ExecuteUpdateAsync(e => e.SetProperty(r => r.IsSwept, true), cancellationToken);
    }

    // An order and its receipts as they were at one moment: with another moment's receipts it could look done.
    private static Task<IDbContextTransaction> BeginSnapshotAsync(
        ErasureContext database, CancellationToken cancellationToken) =>
        database.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);

    private static Erasure Of(ErasureRow row, IEnumerable<ErasureReceiptRow> receipts) => new(
        new ErasureOrder(row.Id, new SubjectDigest(row.Tenant, row.SubjectDigest), row.OrderTime, row.OrderedBy),
        Read(row.KeyIds), [.. receipts.OrderBy(r => r.Node, StringComparer.Ordinal).Select(Of)], row.IsSwept);

    private static NodeErasure Of(ErasureReceiptRow row) => new(
        row.Node, row.Region, row is { Signature: { } signature, DestroyTime: { } destroyTime }
            ? new NodeReceipt(row.Node, row.Region, destroyTime, row.Keys, row.Records, signature)
            : null, Read(row.OwnKeyIds), row.KnownKeys);

    private static KeyId[] Read(byte[] ids) =>
        [.. ids.Chunk(IdBytes).Select(id => new KeyId(new Guid(id, bigEndian: true)))];

    private static byte[] Write(IEnumerable<KeyId> ids) =>
        [.. ids.SelectMany(id => id.Value.ToByteArray(bigEndian: true))];
}
