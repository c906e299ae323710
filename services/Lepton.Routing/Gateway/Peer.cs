namespace Lepton.Routing.Gateway;

/// <summary>Another process that work goes to: who it must prove to be, and where it is.</summary>
/// <param name="Service">The service that its certificate must name.</param>
/// <param name="Region">The region that its certificate must name.</param>
/// <param name="Address">Where it listens.</param>
internal readonly record struct Peer(string Service, string Region, Uri Address)
{
    public static Peer Node(string region, Uri address) => new("inference", region, address);

    public static Peer Router(string region, Uri address) => new("routing", region, address);
}
