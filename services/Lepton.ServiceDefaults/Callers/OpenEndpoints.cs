using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.ServiceDefaults;

/// <summary>
/// Endpoints that serve who cannot be named yet, where tokens are issued for instance. Nothing is open by itself: a
/// service says that it has such endpoints, and marks each of them.
/// </summary>
public static class OpenEndpoints
{
    /// <summary>
    /// This service has open endpoints: a client certificate is allowed in the handshake, not required. One that is
    /// shown must still be of the installation's authority, and every endpoint that is not marked still refuses who
    /// cannot be named.
    /// </summary>
    public static IServiceCollection AddOpenEndpoints(this IServiceCollection services) =>
        services.AddSingleton(HasOpenEndpoints.Instance);

    /// <summary>
    /// Opens this endpoint to everyone. Who can be named is (the feature <see cref="Caller"/> is set); who cannot be
    /// comes without a caller.
    /// </summary>
    public static TBuilder OpenToAll<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(OpenMark.Instance);

    internal static bool IsOpen(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<OpenMark>() is not null;

    private sealed class OpenMark
    {
        public static readonly OpenMark Instance = new();
    }
}

/// <summary>Registered where a service has open endpoints.</summary>
internal sealed class HasOpenEndpoints
{
    public static readonly HasOpenEndpoints Instance = new();
}
