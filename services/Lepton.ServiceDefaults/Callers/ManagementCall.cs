using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Lepton.ServiceDefaults;

/// <summary>A call that changes what others rely on, as the door saw it: a feature of such requests only.</summary>
/// <param name="Sight">Who makes it.</param>
/// <param name="Rule">Who may.</param>
public sealed record ManagementCall(CallerSight Sight, AccessRule Rule)
{
    /// <summary>Of this request; null: it manages nothing.</summary>
    public static ManagementCall? Of(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<ManagementCall>();
    }

    /// <summary>Of this gRPC call; null: it manages nothing.</summary>
    public static ManagementCall? Of(ServerCallContext context) => Of(context.GetHttpContext());
}

/// <summary>Writes calls that manage down, before they are done and after. A process has one or none.</summary>
public interface IManagementLog
{
    /// <summary>Returns when it is kept that the call begins.</summary>
    /// <param name="call">The call.</param>
    /// <param name="resource">To what.</param>
    /// <param name="subject">The data subject whom it concerns; empty: none.</param>
    /// <param name="cancellationToken">The call's.</param>
    /// <returns>The entry's name, for its end.</returns>
    /// <exception cref="RpcException">It cannot be kept: nothing may be done.</exception>
    ValueTask<string> BeginAsync(
        ManagementCall call, string resource, string subject, CancellationToken cancellationToken);

    /// <summary>Keeps how it ended. Does not throw: what was done stays done.</summary>
    /// <param name="call">The call.</param>
    /// <param name="resource">To what.</param>
    /// <param name="subject">The data subject whom it concerns; empty: none.</param>
    /// <param name="begun">From the beginning.</param>
    /// <param name="error">Null: it was done.</param>
    ValueTask EndAsync(ManagementCall call, string resource, string subject, string begun, RpcException? error);
}

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
