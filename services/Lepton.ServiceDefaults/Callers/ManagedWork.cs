using Google.Protobuf;
using Grpc.Core;

namespace Lepton.ServiceDefaults;

/// <summary>A call that manages and is written down: begun, and to be ended.</summary>
public sealed class ManagedWork
{
    private readonly IManagementLog _log;
    private readonly ManagementCall _call;
    private readonly string _resource, _subject, _begun;

    private ManagedWork(IManagementLog log, ManagementCall call, string resource, string subject, string begun) =>
        (_log, _call, _resource, _subject, _begun) = (log, call, resource, subject, begun);

    /// <summary>Returns when it is kept that the call begins.</summary>
    /// <exception cref="RpcException">It cannot be kept: nothing may be done.</exception>
    public static async ValueTask<ManagedWork?> BeginAsync(
        IManagementLog log, ManagementCall call, IMessage? request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(call);
        var (resource, subject) = (call.Rule.Resource.Of(request), call.Rule.Subject.Of(request));
        var begun = await log.BeginAsync(call, resource, subject, cancellationToken);
        return new ManagedWork(log, call, resource, subject, begun);
    }

    /// <summary>Keeps how it ended; does not throw.</summary>
    /// <param name="error">Null: it was done.</param>
    public ValueTask EndAsync(RpcException? error) => _log.EndAsync(_call, _resource, _subject, _begun, error);
}
