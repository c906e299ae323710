using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.V1;
using Npgsql;

namespace Lepton.Compliance.Audit.People;

/// <summary>
/// Erases persons: destroys their keys here at once, and at every other service until each has confirmed. An order
/// names nobody: it has the handle alone.
/// </summary>
internal sealed partial class SubjectEraser(
    AuditDatabase database, PersonKeys keys, PeerTable peers, LogName log, TimeProvider time,
    ILogger<SubjectEraser> logger) : BackgroundService
{
    private const int OpenMax = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private int _open;

    /// <summary>Erasures that not every holder confirmed.</summary>
    public int OpenCount => Volatile.Read(ref _open);

    /// <summary>Orders an erasure; done here when it returns.</summary>
    public async Task<SubjectErasure> EraseAsync(string tenant, string subject, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var handle = keys.HandleOf(tenant, subject);
        string[] holders = [log.Service, .. peers.Others.Select(p => p.Name)];
        // The order is on disk before anything is destroyed: what a crash leaves is gone on with.
        await database.WriteAsync(async (connection, token) =>
        {
            await using NpgsqlBatch batch = new(connection);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                "INSERT INTO audit_erasures (erasure_id, tenant, handle, order_time) VALUES ($1, $2, $3, $4)")
            {
                Parameters = { Sql.Of(id), Sql.Of(tenant), Sql.Of(handle.ToBytes()), Sql.Of(time.GetUtcNow()) },
            });
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                "INSERT INTO audit_receipts (erasure_id, holder, keys) SELECT $1, unnest($2), 0")
            {
                Parameters = { Sql.Of(id), Sql.Of(holders) },
            });
            return await batch.ExecuteNonQueryAsync(token);
        }, cancellationToken);
        await ConfirmAsync(id, log.Service, Apply(handle, []).Count, cancellationToken);
        Wake();
        return await FindAsync(id, cancellationToken)
            ?? throw new InvalidOperationException("An erasure that was just written is not there.");
    }

    /// <summary>Destroys a person's keys here, on another's order.</summary>
    public IReadOnlyList<Guid> Apply(PersonHandle handle, IReadOnlyCollection<Guid> ids) => keys.Destroy(handle, ids);

    /// <summary>Null: there is none of that id.</summary>
    public async Task<SubjectErasure?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        var erasure = (await database.QueryAsync(
            "SELECT tenant, order_time FROM audit_erasures WHERE erasure_id = $1", [Sql.Of(id)],
            r => new SubjectErasure
            {
                ErasureId = id.ToString(), Tenant = r.GetString(0), OrderTime = TimeOf(r.GetDateTime(1)),
            }, cancellationToken)).FirstOrDefault();
        erasure?.Receipts.AddRange(await database.QueryAsync(
            "SELECT holder, destroy_time, keys FROM audit_receipts WHERE erasure_id = $1 ORDER BY holder", [Sql.Of(id)],
            r => new SubjectErasureReceipt
            {
                Holder = r.GetString(0), Pending = r.IsDBNull(1),
                DestroyTime = r.IsDBNull(1) ? null : TimeOf(r.GetDateTime(1)), Keys = r.GetInt32(2),
            }, cancellationToken));
        return erasure;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await DeliverAsync(stoppingToken);
            }
            catch (Exception e) when (e is LogUnavailableException or KeyStoreException or PostgresException)
            {
                LogFailed(e.Message);
            }
            await _wanted.WaitAsync(Interval, stoppingToken);
        }
    }

    public override void Dispose()
    {
        _wanted.Dispose();
        base.Dispose();
    }

    private async Task DeliverAsync(CancellationToken cancellationToken)
    {
        var open = await database.QueryAsync(
            """
            SELECT e.erasure_id, e.handle, r.holder FROM audit_receipts r JOIN audit_erasures e USING (erasure_id)
            WHERE r.destroy_time IS NULL ORDER BY e.order_time LIMIT $1
            """, [Sql.Of(OpenMax)], r => (Id: r.GetGuid(0), Handle: r.GetFieldValue<byte[]>(1), Holder: r.GetString(2)),
            cancellationToken);
        Volatile.Write(ref _open, open.Select(o => o.Id).Distinct().Count());
        var done = 0;
        foreach (var order in open)
            done += await DeliverAsync(order.Id, order.Handle, order.Holder, cancellationToken) ? 1 : 0;
        if (done > 0)
            Volatile.Write(ref _open, open.Count - done == 0 ? 0 : _open);
    }

    private async Task<bool> DeliverAsync(Guid id, byte[] handle, string holder, CancellationToken cancellationToken)
    {
        if (holder == log.Service)
        {
            await ConfirmAsync(id, holder, Apply(PersonHandle.Of(handle), []).Count, cancellationToken);
            return true;
        }
        if (peers.Others.FirstOrDefault(p => p.Name == holder) is not { } peer)
            return false;
        try
        {
            var answer = await peers.Client(peer).ApplyErasureAsync(
                new ApplyErasureRequest { ErasureId = id.ToString(), Handle = ByteString.CopyFrom(handle) },
                deadline: peers.Deadline(), cancellationToken: cancellationToken);
            await ConfirmAsync(id, holder, answer.KeyIds.Count, cancellationToken);
            return true;
        }
        catch (RpcException e) when (!cancellationToken.IsCancellationRequested)
        {
            LogPending(id, holder, e.Status.Detail);
            return false;
        }
    }

    private Task<int> ConfirmAsync(Guid id, string holder, int count, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            """
            UPDATE audit_receipts SET destroy_time = $3, keys = $4
            WHERE erasure_id = $1 AND holder = $2 AND destroy_time IS NULL
            """, [Sql.Of(id), Sql.Of(holder), Sql.Of(time.GetUtcNow()), Sql.OfInt(count)], cancellationToken);

    private void Wake()
    {
        if (_wanted.CurrentCount == 0)
            _wanted.Release();
    }

    private static Timestamp TimeOf(DateTime time) => Timestamp.FromDateTime(DateTime.SpecifyKind(
        time, DateTimeKind.Utc));

    [LoggerMessage(LogLevel.Warning, "Erasure {Id} did not come through to {Holder}; it is tried again: {Why}")]
    private partial void LogPending(Guid id, string holder, string why);

    [LoggerMessage(LogLevel.Error, "Erasures could not be delivered; it is tried again: {Why}")]
    private partial void LogFailed(string why);
}
