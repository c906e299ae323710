using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Audit.Retention;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.Audit.Storage;
using Lepton.Compliance.Audit.Tree;
using Lepton.Compliance.V1;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;

namespace Lepton.Compliance.Audit;

/// <summary>AuditService: wire types in and out.</summary>
internal sealed class AuditEndpoint(
    AppendEndpoint append, HeadStore heads, TileStore tiles, EntryReads entries, LogWriter writer, SubjectEraser eraser,
    Holds holds, LogName log, AccessFile access) : AuditService.AuditServiceBase
{
    private const int PageDefault = 100, PageMax = 1000, TextMax = 256;

    public override Task Append(
        IAsyncStreamReader<AppendRequest> requestStream, IServerStreamWriter<AppendResponse> responseStream,
        ServerCallContext context) => append.RunAsync(requestStream, responseStream, context);

    public override Task<GetTreeHeadResponse> GetTreeHead(GetTreeHeadRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            var token = context.CancellationToken;
            var head = request.Size > 0 ? await heads.FindAsync(log.Value, Size("size", request.Size), token)
                : request.Witnessed ? await heads.LatestWitnessedAsync(log.Value, token)
                : await heads.LatestAsync(log.Value, token);
            return new GetTreeHeadResponse { Head = head ?? throw AuditErrors.HeadUnknown() };
        });

    public override Task<ListTreeHeadsResponse> ListTreeHeads(
        ListTreeHeadsRequest request, ServerCallContext context) => AuditErrors.MapAsync(async () =>
        {
            var before = long.MaxValue;
            if (request.PageToken.Length > 0 && !long.TryParse(request.PageToken, out before))
                throw AuditErrors.FieldInvalid("page_token", "takes the next_page_token of the page before");
            var page = await heads.ListAsync(log.Value, before, Page(request.PageSize), context.CancellationToken);
            return new ListTreeHeadsResponse
            {
                Heads = { page },
                NextPageToken = page.Count < Page(request.PageSize) ? "" : $"{(long)page[^1].Size - 1}",
            };
        });

    public override Task<GetInclusionProofResponse> GetInclusionProof(
        GetInclusionProofRequest request, ServerCallContext context) => AuditErrors.MapAsync(async () =>
        {
            var size = await SizeAsync("size", request.Size, context.CancellationToken);
            if (request.Sequence == 0 || request.Sequence > (ulong)size)
                throw AuditErrors.FieldInvalid("sequence", $"takes 1 to {size}");
            var index = (long)request.Sequence - 1;
            var reader = tiles.Reader(log.Value, Months.Entries);
            var tile = await reader.TileAsync(0, index >> TileStore.WidthBits, context.CancellationToken);
            var at = (int)(index & (TileStore.Width - 1)) * 32;
            return new GetInclusionProofResponse
            {
                Size = (ulong)size, LeafHash = ByteString.CopyFrom(tile.AsSpan(at, 32)),
                Proof =
                {
                    (await reader.InclusionAsync(index, size, context.CancellationToken)).Select(ByteString.CopyFrom),
                },
            };
        });

    public override Task<GetConsistencyProofResponse> GetConsistencyProof(
        GetConsistencyProofRequest request, ServerCallContext context) => AuditErrors.MapAsync(async () =>
        {
            var second = await SizeAsync("second_size", request.SecondSize, context.CancellationToken);
            if (request.FirstSize == 0 || request.FirstSize > (ulong)second)
                throw AuditErrors.FieldInvalid("first_size", $"takes 1 to {second}");
            var proof = await tiles.Reader(log.Value, Months.Entries).ConsistencyAsync(
                (long)request.FirstSize, second, context.CancellationToken);
            return new GetConsistencyProofResponse
            {
                SecondSize = (ulong)second, Proof = { proof.Select(ByteString.CopyFrom) },
            };
        });

    public override Task<GetEntryResponse> GetEntry(GetEntryRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            StoredEntry? entry;
            if (request.Sequence > 0)
            {
                var sequence = Size("sequence", request.Sequence);
                entry = (await entries.RangeAsync(sequence, sequence, context.CancellationToken)).FirstOrDefault();
            }
            else
            {
                entry = Guid.TryParseExact(request.EventId, "N", out var id)
                    ? await entries.OfEventAsync(id, context.CancellationToken)
                    : throw AuditErrors.FieldInvalid("event_id", "takes 32 hex digits, where there is no sequence");
            }
            return entry is not null && Sees(context, entry)
                ? new GetEntryResponse { Entry = Wire(entry, true) }
                : throw AuditErrors.EntryUnknown();
        });

    public override Task<ListEntriesResponse> ListEntries(ListEntriesRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            if (request.First == 0)
                throw AuditErrors.FieldInvalid("first", "takes a sequence from 1");
            var (first, count) = (Size("first", request.First), Page(request.PageSize));
            var kept = await entries.FirstKeptAsync(log.Value, context.CancellationToken);
            first = Math.Max(first, kept);
            var page = await entries.RangeAsync(first, first + count - 1, context.CancellationToken);
            return new ListEntriesResponse
            {
                Entries = { page.Select(e => Wire(e, Sees(context, e))) },
                Next = page.Count < count ? 0 : (ulong)page[^1].Columns.Sequence + 1, FirstKept = (ulong)kept,
            };
        });

    public override Task<EraseSubjectResponse> EraseSubject(EraseSubjectRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            if (request.Subject.Length is 0 or > TextMax)
                throw AuditErrors.FieldInvalid("subject", $"takes 1 to {TextMax} characters");
            var tenant = request.Tenant.Length > 0 ? request.Tenant : context.GetCaller().Tenant;
            RequireTenant(context, tenant, Permission.SubjectsManage);
            return new EraseSubjectResponse
            {
                Erasure = await eraser.EraseAsync(tenant, request.Subject, context.CancellationToken),
            };
        });

    public override Task<GetSubjectErasureResponse> GetSubjectErasure(
        GetSubjectErasureRequest request, ServerCallContext context) => AuditErrors.MapAsync(async () =>
        {
            if (!Guid.TryParse(request.ErasureId, out var id))
                throw AuditErrors.FieldInvalid("erasure_id", "takes a UUID");
            var erasure = await eraser.FindAsync(id, context.CancellationToken)
                ?? throw AuditErrors.ErasureUnknown(request.ErasureId);
            RequireTenant(context, erasure.Tenant, Permission.SubjectsManage);
            return new GetSubjectErasureResponse { Erasure = erasure };
        });

    public override Task<PlaceHoldResponse> PlaceHold(PlaceHoldRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            if (request.Hold is not { } hold || hold.CaseId.Length is 0 or > TextMax)
                throw AuditErrors.FieldInvalid("hold.case_id", $"takes 1 to {TextMax} characters");
            if (hold.Tenant.Length > TextMax)
                throw AuditErrors.FieldInvalid("hold.tenant", $"takes at most {TextMax} characters");
            if (hold.FromTime is null || hold.ToTime is null || hold.FromTime >= hold.ToTime)
                throw AuditErrors.FieldInvalid("hold.to_time", "takes a time after from_time; both are required");
            RequireTenant(context, hold.Tenant, Permission.AuditManage);
            return new PlaceHoldResponse { Hold = await holds.PlaceAsync(hold, context.CancellationToken) };
        });

    public override Task<ReleaseHoldResponse> ReleaseHold(ReleaseHoldRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            if (!Guid.TryParse(request.HoldId, out var id))
                throw AuditErrors.FieldInvalid("hold_id", "takes a UUID");
            var hold = await holds.FindAsync(id, context.CancellationToken)
                ?? throw AuditErrors.HoldUnknown(request.HoldId);
            RequireTenant(context, hold.Tenant, Permission.AuditManage);
            return new ReleaseHoldResponse { Hold = await holds.ReleaseAsync(id, context.CancellationToken) };
        });

    public override Task<ListHoldsResponse> ListHolds(ListHoldsRequest request, ServerCallContext context) =>
        AuditErrors.MapAsync(async () =>
        {
            var before = Guid.AllBitsSet;
            if (request.PageToken.Length > 0 && !Guid.TryParse(request.PageToken, out before))
                throw AuditErrors.FieldInvalid("page_token", "takes the next_page_token of the page before");
            var count = Page(request.PageSize);
            var page = await holds.ListAsync(
                before, SeesAll(context) ? null : context.GetCaller().Tenant, count, context.CancellationToken);
            return new ListHoldsResponse
            {
                Holds = { page }, NextPageToken = page.Count < count ? "" : page[^1].HoldId,
            };
        });

    private static int Page(int size) => size is >= 0 and <= PageMax
        ? size == 0 ? PageDefault : size
        : throw AuditErrors.FieldInvalid("page_size", $"takes 0 to {PageMax}");

    private static long Size(string field, ulong size) => size <= long.MaxValue / 2 ? (long)size
        : throw AuditErrors.FieldInvalid(field, "takes at most 2^62 - 1");

    private static ProvenEntry Wire(StoredEntry entry, bool isVisible) => new()
    {
        Sequence = (ulong)entry.Columns.Sequence, LeafHash = ByteString.CopyFrom(entry.LeafHash),
        Entry = isVisible ? UnsafeByteOperations.UnsafeWrap(entry.Bytes) : ByteString.Empty,
    };

    private async Task<long> SizeAsync(string field, ulong size, CancellationToken cancellationToken)
    {
        var newest = size > 0 ? Size(field, size)
            : (long)(await heads.LatestAsync(log.Value, cancellationToken) ?? throw AuditErrors.HeadUnknown()).Size;
        return newest <= writer.Peaks.Size ? newest
            : throw AuditErrors.FieldInvalid(field, $"takes at most {writer.Peaks.Size}, the log's size");
    }

    private bool Sees(ServerCallContext context, StoredEntry entry) =>
        SeesAll(context) || entry.Columns.Tenant == context.GetCaller().Tenant;

    private bool SeesAll(ServerCallContext context) =>
        access.Current.GrantsOf(context.GetCaller()).AllTenants.Has(Permission.AuditRead);

    private void RequireTenant(ServerCallContext context, string tenant, Permission permission)
    {
        var caller = context.GetCaller();
        if ((tenant.Length > 0 && tenant == caller.Tenant)
            || access.Current.GrantsOf(caller).AllTenants.Has(permission))
            return;
        throw AuditErrors.TenantNotAllowed(caller, tenant, permission);
    }
}
