using Grpc.Core;
using Lepton.Sync.Backup;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Backup;

/// <summary>BackupService: long work is a resource with a state.</summary>
[Collection("backup")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class BackupEndpointTests(BackupServer server)
{
    [Fact]
    public async Task Create_ThenGetThenVerify_GoesFromRunningToDone()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        BackupJobs jobs = new(TimeProvider.System);
        using var runner = test.Runner(jobs);
        var endpoint = Endpoint(test, jobs);
        Call call = new();
        CreateBackupRequest request = new() { RequestId = Guid.NewGuid().ToString() };

        var made = (await endpoint.CreateBackup(request, call)).Backup;
        Assert.Equal(BackupState.Running, made.State);
        Assert.Equal(made.BackupId, (await endpoint.CreateBackup(request, call)).Backup.BackupId);
        Assert.Equal(BackupState.Running, (await GetAsync()).State);
        await runner.RunAsync(jobs.Next()!, CancellationToken.None);
        var done = await GetAsync();
        Assert.Equal((BackupState.Done, ""), (done.State, done.Message));
        Assert.Equal(made.BackupId, (await endpoint.CreateBackup(request, call)).Backup.BackupId); // still the same
        Assert.Null(jobs.Next());

        var begun = (await endpoint.VerifyBackup(new VerifyBackupRequest(), call)).Backup;
        Assert.Equal((made.BackupId, BackupState.Running), (begun.BackupId, begun.Verification.State));
        await runner.RunAsync(jobs.Next()!, CancellationToken.None);
        Assert.Equal(BackupState.Done, (await GetAsync()).Verification.State);

        async Task<V1.Backup> GetAsync() =>
            (await endpoint.GetBackup(new GetBackupRequest { BackupId = made.BackupId }, call)).Backup;
    }

    [Fact]
    public async Task List_ByPages_ShowsAllTheNewestFirst()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync());
        var endpoint = Endpoint(test, new BackupJobs(TimeProvider.System));
        var ids = new[] { (await test.BackUpAsync()).Id, (await test.BackUpAsync()).Id };
        Array.Sort(ids, StringComparer.Ordinal);

        var first = await endpoint.ListBackups(new ListBackupsRequest { PageSize = 1 }, new Call());
        var second = await endpoint.ListBackups(
            new ListBackupsRequest { PageSize = 1, PageToken = first.NextPageToken }, new Call());

        Assert.Equal(ids.Reverse(), first.Backups.Concat(second.Backups).Select(b => b.BackupId));
        Assert.Equal("", second.NextPageToken);
        Assert.Equal("", first.Log.Message);
    }

    [Fact]
    public async Task Calls_WithWhatIsWrong_SayWhy()
    {
        await using var test = await TestBackup.CreateAsync(await server.CreateDatabaseAsync(), start: false);
        var endpoint = Endpoint(test, new BackupJobs(TimeProvider.System));
        Call call = new();

        async Task RefusedAsync(StatusCode code, Func<Task> ask) =>
            Assert.Equal(code, (await Assert.ThrowsAsync<RpcException>(ask)).StatusCode);
        await RefusedAsync(StatusCode.NotFound, () => endpoint.GetBackup(
            new GetBackupRequest { BackupId = "../secret" }, call));
        await RefusedAsync(StatusCode.NotFound, () => endpoint.VerifyBackup(new VerifyBackupRequest(), call));
        await RefusedAsync(StatusCode.InvalidArgument, () => endpoint.ListBackups(
            new ListBackupsRequest { PageSize = 1001 }, call));
        await RefusedAsync(StatusCode.InvalidArgument, () => endpoint.ListBackups(
            new ListBackupsRequest { PageToken = "x" }, call));
        await RefusedAsync(StatusCode.InvalidArgument, () => endpoint.CreateBackup(
            new CreateBackupRequest { RequestId = "x" }, call));
        test.Options.Value.Enabled = false;
        await RefusedAsync(StatusCode.FailedPrecondition, () => endpoint.CreateBackup(new CreateBackupRequest(), call));
    }

    private static BackupEndpoint Endpoint(TestBackup test, BackupJobs jobs) => new(
        jobs, test.Catalog, test.Backups, test.Archiver, test.Place, test.Options, TimeProvider.System);

    /// <summary>A call that nobody cancels.</summary>
    private sealed class Call : ServerCallContext
    {
        protected override string MethodCore => "";

        protected override string HostCore => "";

        protected override string PeerCore => "";

        protected override DateTime DeadlineCore => DateTime.MaxValue;

        protected override Metadata RequestHeadersCore => [];

        protected override CancellationToken CancellationTokenCore => CancellationToken.None;

        protected override Metadata ResponseTrailersCore => [];

        protected override Status StatusCore { get; set; }

        protected override WriteOptions? WriteOptionsCore { get; set; }

        protected override AuthContext AuthContextCore => new(null, []);

        protected override ContextPropagationToken CreatePropagationTokenCore(ContextPropagationOptions? options) =>
            throw new NotSupportedException();

        protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) => Task.CompletedTask;
    }
}
