using Grpc.Core;

namespace Lepton.ServiceDefaults;

/// <summary>Writes calls that manage down, before they are done and after. A process has one or none.</summary>
public interface IManagementLog
{
    /// <summary>Returns when it is kept that the call begins.</summary>
    /// <param name="managed">The call.</param>
    /// <param name="resource">To what.</param>
    /// <param name="subject">The data subject whom it concerns; empty: none.</param>
    /// <param name="cancellationToken">The call's.</param>
    /// <returns>The entry's name, for its end.</returns>
    /// <exception cref="RpcException">It cannot be kept: nothing may be done.</exception>
    ValueTask<string> BeginAsync(
        ManagementCall managed, string resource, string subject, CancellationToken cancellationToken);

    /// <summary>Keeps how it ended. Does not throw: what was done stays done.</summary>
    /// <param name="managed">The call.</param>
    /// <param name="resource">To what.</param>
    /// <param name="subject">The data subject whom it concerns; empty: none.</param>
    /// <param name="begun">From the beginning.</param>
    /// <param name="failure">Null: it was done.</param>
    ValueTask EndAsync(ManagementCall managed, string resource, string subject, string begun, RpcException? failure);
}
