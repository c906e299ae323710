using Grpc.Core;
using Lepton.Compliance.Audit;
using Lepton.Compliance.Search.Exports;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Search;

/// <summary>AuditSearchService: who may read whose, wire types in and out, and what is written of it.</summary>
internal sealed class SearchEndpoint(
    RegionSearch region, LogExport export, AccessFile access, SearchAudit audit, SearchMetrics metrics, LogName log,
    IOptions<SearchOptions> options, TimeProvider time) : AuditSearchService.AuditSearchServiceBase
{
    private const int PageMax = 1000, PageDefault = 50;

    public override async Task<SearchEntriesResponse> SearchEntries(
        SearchEntriesRequest request, ServerCallContext context)
    {
        var started = time.GetTimestamp();
        try
        {
            var response = await SearchAsync(request, context);
            metrics.Searched(time.GetElapsedTime(started), null);
            return response;
        }
        catch (Exception e) when ((e as RpcException ?? SearchErrors.Of(e)) is { } error)
        {
            metrics.Searched(time.GetElapsedTime(started), RpcErrors.ReasonOf(error));
            if (error.StatusCode == StatusCode.PermissionDenied)
                audit.Refused(context, request.Filter ?? new AuditFilter(), "audit.search", error);
            throw error;
        }
    }

    public override async Task<SearchLogResponse> SearchLog(SearchLogRequest request, ServerCallContext context)
    {
        if (request.Count is < 1 or > PageMax + 1)
            throw RpcErrors.FieldInvalid("count", $"takes 1 to {PageMax + 1}");
        if (request.BeforeSequence > long.MaxValue)
            throw RpcErrors.FieldInvalid("before_sequence", "takes a sequence");
        try
        {
            return await region.OwnAsync(request.Filter ?? new AuditFilter(), (long)request.BeforeSequence,
                request.Count, context.CancellationToken);
        }
        catch (Exception e) when (SearchErrors.Of(e) is { } error)
        {
            throw error;
        }
    }

    public override async Task ExportEntries(
        ExportEntriesRequest request, IServerStreamWriter<ExportEntriesResponse> responseStream,
        ServerCallContext context)
    {
        AuditFilter filter = Scoped(request.Filter, Permission.AuditExport, context, "audit.export");
        if (request.Format == ExportFormat.Unspecified || !Enum.IsDefined(request.Format))
            throw RpcErrors.FieldInvalid("format", "takes JSONL, CSV or OCSF");
        if (request.SinceSize > long.MaxValue || (request.SinceSize > 0 && request.Format != ExportFormat.Jsonl))
            throw RpcErrors.FieldInvalid("since_size", "takes a size of the log, with JSONL");
        var read = EntryFilter.Read(filter, log.Region);
        if (!metrics.TryBegin(options.Value.ExportsMax))
            throw SearchErrors.TooManyExports(options.Value.ExportsMax);
        var format = request.Format.ToString().ToLowerInvariant();
        ExportProgress progress = new();
        string? fault = "CANCELLED";
        try
        {
            await audit.ExportsAsync(context, filter, format, context.CancellationToken);
            await using ChunkStream chunks = new(responseStream, context.CancellationToken);
            await export.WriteAsync(
                read, request.Format, (long)request.SinceSize, chunks, progress, context.CancellationToken);
            await chunks.FlushAsync(context.CancellationToken);
            fault = null;
        }
        catch (Exception e) when (SearchErrors.Of(e) is { } error)
        {
            fault = RpcErrors.ReasonOf(error);
            throw error;
        }
        finally
        {
            metrics.End();
            metrics.Exported(format, progress.Entries);
            audit.Exported(context, filter, format, progress.Entries, progress.Size, fault);
        }
    }

    private async Task<SearchEntriesResponse> SearchAsync(SearchEntriesRequest request, ServerCallContext context)
    {
        if (request.PageSize is < 0 or > PageMax)
            throw RpcErrors.FieldInvalid("page_size", $"takes 1 to {PageMax}; 0 means {PageDefault}");
        AuditFilter filter = Scoped(request.Filter, Permission.AuditRead, context, "audit.search");
        EntryFilter.Read(filter, log.Region); // before anybody is asked
        SearchPosition? position = null;
        if (request.PageToken.Length > 0)
            position = SearchPosition.Read(request.PageToken, SearchPosition.DigestOf(filter))
                ?? throw SearchErrors.PageTokenInvalid();
        var page = await region.PageAsync(filter, position, request.PageSize == 0 ? PageDefault : request.PageSize,
            request.AllowMissingLogs, context.CancellationToken);
        audit.Searched(context, filter, page.Entries.Count);
        return new SearchEntriesResponse
        {
            Entries = { page.Entries }, NextPageToken = page.Next?.Write() ?? "", Logs = { page.Logs },
            MissingLogs = { page.Missing },
        };
    }

    /// <summary>The filter with the tenant that the caller may read.</summary>
    private AuditFilter Scoped(AuditFilter? wire, Permission permission, ServerCallContext context, string action)
    {
        AuditFilter filter = wire?.Clone() ?? new AuditFilter();
        var caller = context.GetCaller();
        if (access.Current.GrantsOf(caller).AllTenants.Has(permission))
            return filter;
        if (filter.Tenant.Length > 0 && filter.Tenant != caller.Tenant)
        {
            var refused = SearchErrors.TenantNotAllowed(caller, filter.Tenant, AccessRule.NameOf(permission));
            if (action != "audit.search") // which says its refusals itself
                audit.Refused(context, filter, action, refused);
            throw refused;
        }
        filter.Tenant = caller.Tenant;
        return filter;
    }
}
