using System.Collections.Concurrent;
using Grpc.Net.Client;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Copies;

/// <summary>The other services and the way to each: mutual TLS, the region's service compliance at the other
/// end.</summary>
internal sealed class PeerTable(
    IOptions<PeerOptions> options, IOptions<AuditOptions> audit, LogName log, PeerHttp http, TimeProvider time)
    : IDisposable
{
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new(); // as many as there are peers

    /// <summary>All but this one, by name.</summary>
    public IReadOnlyList<PeerOptions.Peer> Others { get; } =
        [.. options.Value.Peers.Where(p => p.Name != log.Service).OrderBy(p => p.Name, StringComparer.Ordinal)];

    /// <summary>
    /// Whose copy an acknowledgement waits for: the region's next zone; null: the region has one zone only.
    /// </summary>
    public PeerOptions.Peer? SecondZone => Others.Where(p => p.Region == log.Region) is var zones
        ? zones.FirstOrDefault(p => string.CompareOrdinal(p.Name, log.Service) > 0) ?? zones.FirstOrDefault()
        : null;

    /// <summary>Whoever gets a copy: the second zone, and of each copy region the zone of the same name, or its
    /// first.</summary>
    public IReadOnlyList<PeerOptions.Peer> Holders =>
    [
        .. ((PeerOptions.Peer?[])[SecondZone, .. audit.Value.CopyRegions.Where(r => r != log.Region).Select(region =>
            Others.Where(p => p.Region == region)
                .OrderBy(p => $"{p.Region}/{log.Service.Split('/')[1]}" == p.Name ? 0 : 1).FirstOrDefault())])
            .OfType<PeerOptions.Peer>(),
    ];

    public AuditPeerService.AuditPeerServiceClient Client(PeerOptions.Peer peer) =>
        new(_channels.GetOrAdd(peer.Name, _ => http.CreateChannel(new Uri(peer.Url), "compliance", peer.Region)));

    /// <summary>When a call that begins now must have ended.</summary>
    public DateTime Deadline() => time.GetUtcNow().UtcDateTime + audit.Value.CallTimeMax;

    /// <summary>Is it a log of this service, of whichever generation?</summary>
    public static bool IsOf(string log, string service) =>
        log == service || (log.StartsWith(service + ".", StringComparison.Ordinal) && log.Length <= service.Length + 5);

    public void Dispose()
    {
        foreach (var channel in _channels.Values)
            channel.Dispose();
    }
}
