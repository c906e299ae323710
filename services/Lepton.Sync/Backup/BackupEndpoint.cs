using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Sync.Backup.Archive;
using Lepton.Sync.Backup.Base;
using Lepton.Sync.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup;

/// <summary>BackupService: wire types in and out.</summary>
internal sealed class BackupEndpoint(
    BackupJobs jobs, BackupCatalog catalog, BaseBackups backups, LogArchiver archiver, BackupPlace place,
    IOptions<BackupOptions> options, TimeProvider time) : BackupService.BackupServiceBase
{
    private const int PageDefault = 100, PageMax = 1000;

    public override Task<CreateBackupResponse> CreateBackup(CreateBackupRequest request, ServerCallContext context)
    {
        CheckEnabled();
        var requestId = Guid.Empty;
        if (request.RequestId.Length > 0
            && (!Guid.TryParseExact(request.RequestId, "D", out requestId) || requestId == Guid.Empty))
            throw BackupErrors.FieldInvalid("request_id", "takes a UUID, e.g. 0197f2c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f");
        var job = jobs.Ask(BackupJobKind.Create, backups.NewId(), requestId) ?? throw BackupErrors.Overloaded();
        return Task.FromResult(new CreateBackupResponse { Backup = Wire(null, job) });
    }

    public override async Task<ListBackupsResponse> ListBackups(ListBackupsRequest request, ServerCallContext context)
    {
        CheckEnabled();
        if (request.PageSize is < 0 or > PageMax)
            throw BackupErrors.FieldInvalid("page_size", $"takes 0 to {PageMax}");
        var before = ReadToken(request.PageToken);
        var all = await KnownAsync(context.CancellationToken);
        var rest = all.Where(b => before is null || string.CompareOrdinal(b.BackupId, before) < 0)
            .OrderByDescending(b => b.BackupId, StringComparer.Ordinal).ToList();
        var page = rest.Take(request.PageSize == 0 ? PageDefault : request.PageSize).ToList();
        return new ListBackupsResponse
        {
            Backups = { page },
            NextPageToken = page.Count < rest.Count ? Token(page[^1].BackupId) : "",
            Log = LogNow(),
        };
    }

    public override async Task<GetBackupResponse> GetBackup(GetBackupRequest request, ServerCallContext context)
    {
        CheckEnabled();
        return new GetBackupResponse { Backup = await FindAsync(request.BackupId, context.CancellationToken) };
    }

    public override async Task<VerifyBackupResponse> VerifyBackup(
        VerifyBackupRequest request, ServerCallContext context)
    {
        CheckEnabled();
        var backup = request.BackupId.Length > 0
            ? await FindAsync(request.BackupId, context.CancellationToken)
            : (await KnownAsync(context.CancellationToken)).Where(b => b.State == BackupState.Done)
                .MaxBy(b => b.BackupId, StringComparer.Ordinal) ?? throw BackupErrors.Unknown("of this node");
        if (backup.State != BackupState.Done)
            throw BackupErrors.Damaged(backup.BackupId, backup.State == BackupState.Running
                ? "it is not complete yet"
                : backup.Message);
        if (jobs.Ask(BackupJobKind.Verify, backup.BackupId, Guid.Empty) is not { } job)
            throw BackupErrors.Overloaded();
        backup.Verification = Wire(job);
        return new VerifyBackupResponse { Backup = backup };
    }

    private void CheckEnabled()
    {
        if (!options.Value.Enabled)
            throw BackupErrors.Off();
    }

    private async Task<V1.Backup> FindAsync(string id, CancellationToken cancellationToken) =>
        (await KnownAsync(cancellationToken)).FirstOrDefault(b => b.BackupId == id) ?? throw BackupErrors.Unknown(id);

    /// <summary>What is kept, and what is only asked for or failed.</summary>
    private async Task<IReadOnlyList<V1.Backup>> KnownAsync(CancellationToken cancellationToken)
    {
        var asked = jobs.All; // first: what ends meanwhile is kept by then
        IReadOnlyList<KeptBackup> kept;
        try
        {
            kept = await catalog.ListAsync(place.Node, cancellationToken);
        }
        catch (BackupException e)
        {
            throw BackupErrors.StoreUnavailable(e.Message);
        }
        List<V1.Backup> known = [];
        foreach (var backup in kept)
        {
            var wire = Wire(backup, asked.LastOrDefault(j => j.Kind == BackupJobKind.Create && j.Id == backup.Id));
            var check = asked.LastOrDefault(j => j.Kind == BackupJobKind.Verify && j.Id == backup.Id);
            if (check is { State: not BackupJobState.Done }
                && !(check.State == BackupJobState.Failed && backup.Verification?.Time >= check.Time))
                wire.Verification = Wire(check);
            known.Add(wire);
        }
        known.AddRange(asked
            .Where(j => j.Kind == BackupJobKind.Create && j.State != BackupJobState.Done && kept.All(b => b.Id != j.Id))
            .Select(j => Wire(null, j)));
        return known;
    }

    private V1.Backup Wire(KeptBackup? kept, BackupJob? job)
    {
        V1.Backup wire = new()
        {
            BackupId = kept?.Id ?? job?.Id ?? "",
            Node = place.Node,
            Bytes = kept?.Bytes ?? 0,
            StartTime = job?.Time.ToTimestamp(),
            State = job?.State == BackupJobState.Running ? BackupState.Running : BackupState.Failed,
            Message = job?.State == BackupJobState.Running ? ""
                : kept?.Fault ?? (job?.Fault is { Length: > 0 } fault ? fault : "It was interrupted."),
        };
        if (kept?.Manifest is not { } manifest)
            return wire;
        wire.State = BackupState.Done;
        wire.Message = "";
        wire.StartTime = manifest.StartTime.ToTimestamp();
        wire.EndTime = manifest.EndTime.ToTimestamp();
        wire.ServerVersion = manifest.ServerVersion;
        if (kept.Verification is { } found)
            wire.Verification = new BackupVerification
            {
                State = found.Good ? BackupState.Done : BackupState.Failed,
                Time = found.Time.ToTimestamp(),
                Records = found.Records,
                DamagedRecords = found.Damaged,
                Duration = Duration.FromTimeSpan(TimeSpan.FromSeconds(found.Seconds)),
                Message = found.Message,
            };
        return wire;
    }

    private static BackupVerification Wire(BackupJob job) => new()
    {
        State = job.State == BackupJobState.Running ? BackupState.Running : BackupState.Failed,
        Time = job.Time.ToTimestamp(),
        Message = job.Fault,
    };

    private V1.LogArchive LogNow()
    {
        var state = archiver.State;
        V1.LogArchive log = new()
        {
            LagBytes = state.ServerEnd > state.SavedTo ? (long)(state.ServerEnd.Value - state.SavedTo.Value) : 0,
            Message = state.Fault?.Message ?? "",
        };
        if (state.CaughtUpAt is { } at)
            log.Lag = Duration.FromTimeSpan(log.LagBytes == 0 && state.Fault is null
                ? TimeSpan.Zero
                : time.GetElapsedTime(at));
        return log;
    }

    private static string Token(string id) => Convert.ToHexStringLower(Encoding.ASCII.GetBytes(id));

    private static string? ReadToken(string token)
    {
        if (token.Length == 0)
            return null;
        try
        {
            return Encoding.ASCII.GetString(Convert.FromHexString(token));
        }
        catch (FormatException)
        {
            throw BackupErrors.FieldInvalid("page_token", "takes the next_page_token of the page before");
        }
    }
}
