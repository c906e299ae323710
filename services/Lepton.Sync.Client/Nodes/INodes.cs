using Lepton.Sync.V1;

namespace Lepton.Sync.Client;

/// <summary>
/// The nodes of Sync that may be asked, by their place in the configuration. Every failure is a
/// <see cref="NodeFault"/>; every call but a watch ends at its deadline.
/// </summary>
internal interface INodes
{
    int Count { get; }

    /// <summary>For people.</summary>
    string NameOf(int node);

    Task<GetResponse> GetAsync(int node, GetRequest request, TimeSpan timeMax, CancellationToken cancellationToken);

    Task<PutResponse> PutAsync(int node, PutRequest request, TimeSpan timeMax, CancellationToken cancellationToken);

    Task<DeleteResponse> DeleteAsync(
        int node, DeleteRequest request, TimeSpan timeMax, CancellationToken cancellationToken);

    Task<ScanResponse> ScanAsync(int node, ScanRequest request, TimeSpan timeMax, CancellationToken cancellationToken);

    /// <summary>Until it is cancelled or fails; it never just ends.</summary>
    IAsyncEnumerable<WatchResponse> WatchAsync(int node, WatchRequest request, CancellationToken cancellationToken);
}
