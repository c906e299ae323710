namespace Lepton.Sync.Backup;

/// <summary>What is done with backups, one after the other.</summary>
internal enum BackupJobKind
{
    /// <summary>A base backup.</summary>
    Create,

    /// <summary>A restore check.</summary>
    Verify,
}

/// <summary>How far it is.</summary>
internal enum BackupJobState
{
    /// <summary>Waits or runs.</summary>
    Running,

    /// <summary>Done.</summary>
    Done,

    /// <summary>Not done.</summary>
    Failed,
}

/// <param name="Kind">What.</param>
/// <param name="Id">The backup's id.</param>
/// <param name="Time">When it was asked for.</param>
/// <param name="RequestId">The client's; empty: none.</param>
internal sealed record BackupJob(BackupJobKind Kind, string Id, DateTimeOffset Time, Guid RequestId)
{
    public BackupJobState State { get; init; } = BackupJobState.Running;

    /// <summary>Why it failed.</summary>
    public string Fault { get; init; } = "";
}

/// <summary>The jobs of this process, newest last: those that run and the last that ended. Bounded.</summary>
internal sealed class BackupJobs(TimeProvider time)
{
    private const int JobsMax = 64, WaitingMax = 8;

    private readonly Lock _lock = new();
    private readonly List<BackupJob> _jobs = [];
    private TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a job was asked for since the last call of <see cref="Next"/>.</summary>
    public Task Asked => _asked.Task;

    public IReadOnlyList<BackupJob> All
    {
        get
        {
            lock (_lock)
                return [.. _jobs];
        }
    }

    /// <summary>
    /// Asks for a job, or finds the one of the same request id, or one of the same kind that has not ended (for a
    /// verification: of the same backup). Null: too many wait.
    /// </summary>
    public BackupJob? Ask(BackupJobKind kind, string id, Guid requestId)
    {
        lock (_lock)
        {
            var known = _jobs.FirstOrDefault(j => j.Kind == kind
                && ((requestId != Guid.Empty && j.RequestId == requestId)
                    || (j.State == BackupJobState.Running && (kind == BackupJobKind.Create || j.Id == id))));
            if (known is not null)
                return known;
            if (_jobs.Count(j => j.State == BackupJobState.Running) >= WaitingMax)
                return null;
            BackupJob job = new(kind, id, time.GetUtcNow(), requestId);
            _jobs.Add(job);
            while (_jobs.Count > JobsMax && _jobs.FindIndex(j => j.State != BackupJobState.Running) is >= 0 and var old)
                _jobs.RemoveAt(old);
            _asked.TrySetResult();
            return job;
        }
    }

    /// <summary>The job that waits longest; null: none does.</summary>
    public BackupJob? Next()
    {
        lock (_lock)
        {
            var next = _jobs.FirstOrDefault(j => j.State == BackupJobState.Running);
            if (next is null && _asked.Task.IsCompleted)
                _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return next;
        }
    }

    /// <param name="job">Which.</param>
    /// <param name="fault">Null: it is done.</param>
    public void End(BackupJob job, string? fault)
    {
        lock (_lock)
        {
            var index = _jobs.FindIndex(j => j.Kind == job.Kind && j.Id == job.Id && j.State == BackupJobState.Running);
            if (index >= 0)
                _jobs[index] = _jobs[index] with
                {
                    State = fault is null ? BackupJobState.Done : BackupJobState.Failed, Fault = fault ?? "",
                };
        }
    }
}
