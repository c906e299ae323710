using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Homes;
using Lepton.Sync.Placement;
using Lepton.Sync.Sealing;
using Lepton.Sync.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Erasure;

/// <summary>A data subject's rights, on the wire. Who may is declared in the proto; whose subjects, here.</summary>
internal sealed partial class SubjectService(
    Eraser eraser, ErasureStanding standing, SubjectExport export, ITopologySource topology, AccessFile access,
    ErasureMetrics metrics, IOptions<ErasureOptions> options, ILogger<SubjectService> logger)
    : V1.SubjectService.SubjectServiceBase
{
    private const int SubjectBytesMax = 256;

    private readonly TenantRules _tenants = new(access);
    private int _exports;

    public override async Task<EraseResponse> Erase(EraseRequest request, ServerCallContext context)
    {
        var tenant = _tenants.Of(context.GetCaller(), request.Tenant, Permission.SubjectsManage);
        CheckSubject(request.Subject);
        try
        {
            var erasure = await eraser.EraseAsync(tenant, request.Subject, context.CancellationToken);
            LogErased(erasure.Order.Id, context.GetCaller().Principal);
            return new EraseResponse { Erasure = ErasureMessages.Write(erasure) };
        }
        catch (TooManyErasuresException e)
        {
            throw ErasureErrors.TooManyErasures(e.Message);
        }
    }

    public override async Task<GetErasureResponse> GetErasure(GetErasureRequest request, ServerCallContext context)
    {
        if (!Guid.TryParse(request.ErasureId, out var id))
            throw ErasureErrors.FieldInvalid("erasure_id", "takes a UUID");
        var caller = context.GetCaller();
        // Another tenant's and none at all are one answer, or ids could be probed.
        return await standing.FindAsync(id, context.CancellationToken) switch
        {
            FoundErasure.Known known when _tenants.Holds(caller, known.Erasure.Tenant, Permission.SubjectsManage) =>
                new GetErasureResponse { Erasure = known.Erasure },
            FoundErasure.Silent silent when silent.Tenant is null
                || _tenants.Holds(caller, silent.Tenant, Permission.SubjectsManage) =>
                throw ErasureErrors.ErasureUnavailable(id.ToString(), silent.Nodes),
            _ => throw ErasureErrors.ErasureUnknown(id.ToString()),
        };
    }

    public override async Task Export(
        ExportRequest request, IServerStreamWriter<ExportResponse> responseStream, ServerCallContext context)
    {
        var tenant = _tenants.Of(context.GetCaller(), request.Tenant, Permission.SubjectsManage);
        CheckSubject(request.Subject);
        try
        {
            if (Interlocked.Increment(ref _exports) > options.Value.ExportsMax)
                throw ErasureErrors.TooManyExports(options.Value.ExportsMax);
            await foreach (var record in export.ReadAsync(tenant, request.Subject, context.CancellationToken))
            {
                await responseStream.WriteAsync(
                    new ExportResponse { Record = MessageOf(record) }, context.CancellationToken);
                metrics.Exported();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _exports);
        }
    }

    private Record MessageOf(ExportedRecord record)
    {
        var recordClass = topology.Current[record.Row.Class].Name;
        if (record.Opened.State == OpenState.Damaged)
            throw ErasureErrors.RecordDamaged(recordClass);
        return new Record
        {
            Key = new RecordKey
            {
                RecordClass = recordClass, Tenant = record.Opened.Tenant, Key = record.Opened.Key,
            },
            Value = UnsafeByteOperations.UnsafeWrap(record.Opened.Value),
            Version = record.Row.Version.ToString(),
            WriteTime = Timestamp.FromDateTimeOffset(record.Row.Version.WriteTime),
        };
    }

    private static void CheckSubject(string subject)
    {
        if (subject.Length == 0 || Encoding.UTF8.GetByteCount(subject) > SubjectBytesMax)
            throw ErasureErrors.FieldInvalid("subject", $"takes 1 to {SubjectBytesMax} bytes of UTF-8");
    }

    [LoggerMessage(LogLevel.Information, "Erasure {Id} was ordered by {Caller}")]
    private partial void LogErased(Guid id, string caller);
}
