using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit;

/// <summary>The compliance services that may be asked, by their place in the configuration.</summary>
internal interface IAuditNodes
{
    int Count { get; }

    /// <summary>For people.</summary>
    string NameOf(int node);

    /// <summary>A stream to one of them. Nothing is known yet of whether it answers.</summary>
    IAuditStream Open(int node);
}

/// <summary>A stream of batches, one at a time. Every failure is a <see cref="Grpc.Core.RpcException"/>.</summary>
internal interface IAuditStream : IDisposable
{
    /// <summary>Sends a batch and returns when it is answered as written.</summary>
    Task SendAsync(AppendRequest batch, CancellationToken cancellationToken);
}
