using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.V1;

namespace Lepton.Sync.Stranded;

/// <summary>StrandedService: whose they are, wire types in and out, and a line in the log for what is done.</summary>
internal sealed partial class StrandedEndpoint(
    StrandedWrites stranded, RecordReads reads, RequestReader reader, ITopologySource topology, AccessFile access,
    ILogger<StrandedEndpoint> logger) : StrandedService.StrandedServiceBase
{
    private const int PageDefault = 50;

    private readonly TenantRules _tenants = new(access);

    public override async Task<ListStrandedWritesResponse> ListStrandedWrites(
        ListStrandedWritesRequest request, ServerCallContext context)
    {
        if (request.PageSize is < 0 or > StrandedRows.RowsMax)
            throw SyncErrors.FieldInvalid(
                "page_size", $"takes 1 to {StrandedRows.RowsMax}; 0 means {PageDefault}");
        var after = request.PageToken.Length == 0
            ? StrandedId.Start
            : StrandedId.Parse(request.PageToken) ?? throw SyncErrors.PageTokenInvalid();
        var caller = context.GetCaller();
        var page = await stranded.ReadAsync(
            after, request.PageSize == 0 ? PageDefault : request.PageSize,
            tenant => _tenants.Holds(caller, tenant, Permission.RecordsManage), context.CancellationToken);
        return new ListStrandedWritesResponse
        {
            Writes = { page.Writes.Select(w => Message(w, caller)) }, NextPageToken = page.After?.ToString() ?? "",
        };
    }

    public override async Task<GetStrandedWriteResponse> GetStrandedWrite(
        GetStrandedWriteRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        var write = await FindAsync(request.StrandedId, caller, context.CancellationToken);
        GetStrandedWriteResponse response = new() { Write = Message(write, caller) };
        if (write.Opened.State != OpenState.Opened)
            return response;
        var row = write.Stored.Row;
        if (row.Kind == RecordKind.Value && _tenants.Holds(caller, write.Opened.Tenant, Permission.RecordsRead))
            response.Value = UnsafeByteOperations.UnsafeWrap(write.Opened.Value);
        var address = reader.Address(topology.Current[row.Class], write.Opened.Tenant, write.Opened.Key);
        var now = (await reads.ReadAsync(
            [address], ReadConsistency.Home, TimeSpan.Zero, context.CancellationToken))[0];
        if (now.State != FoundState.Unavailable)
            response.RecordVersion = now.Version.ToString();
        LogRead(caller.Principal, row.Class.Value, row.Version.ToString(), topology.Self.Name);
        return response;
    }

    public override async Task<RestoreStrandedWriteResponse> RestoreStrandedWrite(
        RestoreStrandedWriteRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        var expected = RequestReader.Version("expected_version", request.ExpectedVersion);
        var write = await FindAsync(request.StrandedId, caller, context.CancellationToken);
        var row = write.Stored.Row;
        if (write.Opened.State != OpenState.Opened)
            throw SyncErrors.Of(RowOpener.StateOf(write.Opened.State), topology.Current[row.Class]);
        var reply = await stranded.RestoreAsync(write, expected, context.CancellationToken);
        LogRestored(caller.Principal, row.Class.Value, row.Version.ToString(), topology.Self.Name,
            reply.Version.ToString(), reply.Reason);
        return reply.Reason == HomeReason.Ok
            ? new RestoreStrandedWriteResponse { Result = Wire.Result(reply) }
            : throw SyncErrors.Of(reply);
    }

    public override async Task<DiscardStrandedWriteResponse> DiscardStrandedWrite(
        DiscardStrandedWriteRequest request, ServerCallContext context)
    {
        var caller = context.GetCaller();
        var write = await FindAsync(request.StrandedId, caller, context.CancellationToken);
        if (!await stranded.DiscardAsync(write.Id, context.CancellationToken))
            throw SyncErrors.StrandedUnknown();
        var row = write.Stored.Row;
        LogDiscarded(caller.Principal, row.Class.Value, row.Version.ToString(), topology.Self.Name);
        return new DiscardStrandedWriteResponse { Write = Message(write, caller) };
    }

    // Another tenant's and none at all are one answer, or ids could be probed.
    private async Task<StrandedWrite> FindAsync(string text, Caller caller, CancellationToken cancellationToken)
    {
        var id = StrandedId.Parse(text)
            ?? throw SyncErrors.FieldInvalid("stranded_id", "takes the stranded_id of a stranded write");
        return await stranded.FindAsync(id, cancellationToken) is { } write
            && _tenants.Holds(caller, write.Opened.Tenant, Permission.RecordsManage)
                ? write
                : throw SyncErrors.StrandedUnknown();
    }

    private V1.StrandedWrite Message(StrandedWrite write, Caller caller)
    {
        var row = write.Stored.Row;
        var recordClass = topology.Current[row.Class];
        // Keys in clear are no secret of a tenant's: an operator sees them in the database.
        var isRead = recordClass.Keys == KeyForm.Clear
            || _tenants.Holds(caller, write.Opened.Tenant, Permission.RecordsRead);
        return new V1.StrandedWrite
        {
            StrandedId = write.Id.ToString(),
            Node = topology.Self.Name,
            RecordClass = recordClass.Name,
            Tenant = isRead ? write.Opened.Tenant : "",
            Key = isRead ? write.Opened.Key : "",
            Version = row.Version.ToString(),
            WriteTime = row.Version.WriteTime.ToTimestamp(),
            StrandTime = write.Stored.StrandTime.ToTimestamp(),
            StoredBytes = row.Key.Length + row.Body.Length,
            Deleted = row.Kind == RecordKind.Tombstone,
            Reason = write.Opened.State == OpenState.Opened
                ? ""
                : RpcErrors.ReasonOf(
                    SyncErrors.Of(RowOpener.StateOf(write.Opened.State), recordClass)) ?? "",
        };
    }

    [LoggerMessage(LogLevel.Information,
        "{Caller} looked at the stranded write {Version} of class {RecordClass} at {Node}")]
    private partial void LogRead(string caller, short recordClass, string version, string node);

    [LoggerMessage(LogLevel.Information,
        "{Caller} put the stranded write {Version} of class {RecordClass} at {Node} back as {NewVersion}: {Outcome}")]
    private partial void LogRestored(
        string caller, short recordClass, string version, string node, string newVersion, HomeReason outcome);

    [LoggerMessage(LogLevel.Information,
        "{Caller} threw the stranded write {Version} of class {RecordClass} at {Node} away")]
    private partial void LogDiscarded(string caller, short recordClass, string version, string node);
}
