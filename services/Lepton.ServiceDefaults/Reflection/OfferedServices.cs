using Google.Protobuf.Reflection;

namespace Lepton.ServiceDefaults;

/// <summary>The gRPC services that this process offers: what health and reflection speak of.</summary>
public sealed class OfferedServices
{
    private ServiceDescriptor[] services = [];

    /// <summary>In the order given.</summary>
    public IReadOnlyList<ServiceDescriptor> Services => services;

    internal void Add(IEnumerable<ServiceDescriptor> more) => services = [.. services, .. more];
}
