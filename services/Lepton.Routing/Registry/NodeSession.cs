namespace Lepton.Routing.Registry;

/// <summary>
/// One report stream. A later stream of the same node takes over; then the older one's end means nothing.
/// </summary>
internal sealed class NodeSession
{
    public string? Node { get; set; }
}
