using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;

namespace Lepton.Sync.Homes;

/// <summary>RecordService: reads the message, has it done, writes the answer.</summary>
internal sealed class RecordEndpoint(
    RequestReader reader, RecordWrites writes, RecordReads reads, RecordScans scans, RecordWatches watches,
    HomeMetrics metrics, TimeProvider time) : RecordService.RecordServiceBase
{
    private const int PageSizeDefault = 100, PageSizeMax = 1000;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxAgeDefault = TimeSpan.FromSeconds(5), MaxAgeMax = TimeSpan.FromMinutes(5);

    public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("put", Name(request.Level), () => PutAsync(request, context));

    public override Task<DeleteResponse> Delete(DeleteRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("delete", Name(request.Level), () => DeleteAsync(request, context));

    public override Task<WriteBatchResponse> WriteBatch(WriteBatchRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("write_batch", Name(request.Level), () => WriteBatchAsync(request, context));

    public override Task<GetResponse> Get(GetRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("get", Name(request.Consistency), () => GetAsync(request, context));

    public override Task<GetBatchResponse> GetBatch(GetBatchRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("get_batch", Name(request.Consistency), () => GetBatchAsync(request, context));

    public override Task<ScanResponse> Scan(ScanRequest request, ServerCallContext context) =>
        metrics.MeasureAsync("scan", Name(request.Consistency), () => ScanAsync(request, context));

    public override async Task Watch(
        WatchRequest request, IServerStreamWriter<WatchResponse> responseStream, ServerCallContext context)
    {
        try
        {
            var recordClass = reader.Class("record_class", request.RecordClass);
            var tenant = reader.Tenant(context.GetCaller(), request.Tenant, Permission.RecordsRead);
            await watches.FollowAsync(
                recordClass, tenant, request.Prefix, request.ResumeToken, responseStream.WriteAsync,
                context.CancellationToken);
            metrics.Watched(null);
        }
        catch (Exception e)
        {
            metrics.Watched(e);
            throw;
        }
    }

    private async Task<PutResponse> PutAsync(PutRequest request, ServerCallContext context)
    {
        var command = reader.Write("write", request.Write, context.GetCaller());
        return new PutResponse
        {
            Result = await WriteAsync(command, request.Level, request.OtherRegions, context),
        };
    }

    private async Task<DeleteResponse> DeleteAsync(DeleteRequest request, ServerCallContext context)
    {
        Write write = new()
        {
            Key = request.Key, Delete = true, ExpectedVersion = request.ExpectedVersion, RequestId = request.RequestId,
        };
        var command = reader.Write("", write, context.GetCaller());
        return new DeleteResponse
        {
            Result = await WriteAsync(command, request.Level, request.OtherRegions, context),
        };
    }

    private async Task<WriteBatchResponse> WriteBatchAsync(WriteBatchRequest request, ServerCallContext context)
    {
        var commands = reader.Writes(request.Writes, context.GetCaller());
        var wish = reader.Level(request.Level, request.OtherRegions, commands);
        using var patience = Patience(context);
        var replies = await writes.WriteAsync(commands, wish, patience.Token);
        return new WriteBatchResponse
        {
            Results =
            {
                replies.Select(reply => new BatchResult
                {
                    Result = Wire.Result(reply),
                    Reason = reply.Reason == HomeReason.Ok
                        ? ""
                        : RpcErrors.ReasonOf(SyncErrors.ReasonOf(reply.Reason)),
                    Message = SyncErrors.MessageOf(reply),
                }),
            },
        };
    }

    private async Task<GetResponse> GetAsync(GetRequest request, ServerCallContext context)
    {
        var address = reader.Address("key", request.Key, context.GetCaller(), Permission.RecordsRead);
        var found = (await reads.ReadAsync(
            [address], Consistency(request.Consistency), MaxAge(request.MaxAge), context.CancellationToken))[0];
        return found.State == FoundState.Found && found.Freshness is { } freshness
            ? new GetResponse
            {
                Record = Wire.Record(address, found.Value, found.Version), Freshness = Wire.Freshness(freshness),
            }
            : throw SyncErrors.Of(found.State, address.Class);
    }

    private async Task<GetBatchResponse> GetBatchAsync(GetBatchRequest request, ServerCallContext context)
    {
        if (request.Keys.Count is 0 or > RequestReader.BatchMax)
            throw SyncErrors.FieldInvalid("keys", $"takes 1 to {RequestReader.BatchMax}");
        var caller = context.GetCaller();
        List<RecordAddress> addresses =
            [.. request.Keys.Select((key, i) => reader.Address($"keys[{i}]", key, caller, Permission.RecordsRead))];
        var found = await reads.ReadAsync(
            addresses, Consistency(request.Consistency), MaxAge(request.MaxAge), context.CancellationToken);
        GetBatchResponse response = new();
        for (var i = 0; i < addresses.Count; i++)
        {
            V1.FoundRecord wire = new();
            if (found[i].Freshness is { } freshness)
                wire.Freshness = Wire.Freshness(freshness);
            if (found[i].State == FoundState.Found)
                wire.Record = Wire.Record(addresses[i], found[i].Value, found[i].Version);
            else if (found[i].State != FoundState.Absent)
                wire.Reason = RpcErrors.ReasonOf(SyncErrors.Of(found[i].State, addresses[i].Class)) ?? "";
            response.Records.Add(wire);
        }
        return response;
    }

    private async Task<ScanResponse> ScanAsync(ScanRequest request, ServerCallContext context)
    {
        var recordClass = reader.Class("record_class", request.RecordClass);
        var tenant = reader.Tenant(context.GetCaller(), request.Tenant, Permission.RecordsRead);
        if (request.PageSize is < 0 or > PageSizeMax)
            throw SyncErrors.FieldInvalid("page_size", $"takes 1 to {PageSizeMax}; 0 means {PageSizeDefault}");
        var fromReplica = Consistency(request.Consistency) switch
        {
            ReadConsistency.Home => false,
            ReadConsistency.Local => true,
            _ => throw SyncErrors.FieldInvalid("consistency", "takes HOME or LOCAL"),
        };
        var scan = $"{recordClass.Name}\0{tenant}\0{request.Prefix}";
        var page = await scans.ScanAsync(
            recordClass, tenant, request.Prefix, fromReplica,
            request.PageSize == 0 ? PageSizeDefault : request.PageSize,
            PageToken.Read(scan, request.PageToken) ?? throw SyncErrors.PageTokenInvalid(), context.CancellationToken);
        if (page.State != FoundState.Found || page.Freshness is null)
            throw SyncErrors.Of(page.State, recordClass);
        return new ScanResponse
        {
            Records =
            {
                page.Records.Select(r => Wire.Record(reader.Address(recordClass, tenant, r.Key), r.Value, r.Version)),
            },
            NextPageToken = page.After.IsEmpty ? "" : PageToken.Write(scan, page.After.Span),
            Freshness = Wire.Freshness(page.Freshness),
        };
    }

    private async Task<WriteResult> WriteAsync(
        WriteCommand command, WriteLevel level, int otherRegions, ServerCallContext context)
    {
        var wish = reader.Level(level, otherRegions, [command]);
        using var patience = Patience(context);
        var reply = (await writes.WriteAsync([command], wish, patience.Token))[0];
        return reply.Reason == HomeReason.Ok ? Wire.Result(reply) : throw SyncErrors.Of(reply);
    }

    // Ends early enough to say how far the write came.
    private CancellationTokenSource Patience(ServerCallContext context)
    {
        var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        if (context.Deadline == DateTime.MaxValue)
            return patience;
        var left = context.Deadline - time.GetUtcNow().UtcDateTime - AnswerTime;
        patience.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        return patience;
    }

    // A label takes few values: what is no level is refused later.
    private static string Name<T>(T asked)
        where T : struct, Enum => Enum.IsDefined(asked) ? asked.ToString().ToLowerInvariant() : "invalid";

    private static ReadConsistency Consistency(ReadConsistency asked) =>
        asked == ReadConsistency.Unspecified ? ReadConsistency.Home
            : Enum.IsDefined(asked) ? asked
            : throw SyncErrors.FieldInvalid("consistency", "takes HOME, LOCAL or CACHED");

    private static TimeSpan MaxAge(Google.Protobuf.WellKnownTypes.Duration? asked)
    {
        if (asked is null)
            return MaxAgeDefault;
        return asked.Seconds is >= 0 and <= 300 && asked.Nanos is >= 0 and < 1_000_000_000
            && asked.ToTimeSpan() <= MaxAgeMax
                ? asked.ToTimeSpan()
                : throw SyncErrors.FieldInvalid("max_age", "takes 0 s to 5 min");
    }
}
