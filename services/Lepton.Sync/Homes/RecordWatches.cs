namespace Lepton.Sync.Homes;

internal sealed class RecordWatches
{
    public Task FollowAsync(
        Placement.RecordClass recordClass, string tenant, string prefix, string resumeToken,
        Grpc.Core.IServerStreamWriter<V1.WatchResponse> stream, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
