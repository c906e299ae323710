using System.Text;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Hop.V1;
using Lepton.Routing.Balancing;
using Lepton.Routing.Tenants;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Primitives;

namespace Lepton.Routing.Gateway;

/// <summary>Who asks for what, by headers alone. Nothing of the body was read for it.</summary>
/// <param name="Strategy">The strategy that the request asks for; null: its model's or the default.</param>
/// <param name="Origin">The assertion of the other region's router that sent this on; null when a client did.</param>
/// <param name="Class">The class by tenant and header; the model's floor can still tighten it.</param>
/// <param name="AllowedByOrigin">The regions that the origin allows; null when a client asks.</param>
internal sealed record RequestHead(
    string Tenant, string Principal, string DataClass, string Priority, IBalancingStrategy? Strategy, TimeSpan? Timeout,
    HopAssertion? Origin, EffectiveClass Class, RegionSet? AllowedByOrigin);

/// <summary>Reads and checks a request's headers.</summary>
internal sealed class RequestHeadReader(Topology topology, HopVerifier verifier, TenantRights rights)
{
    private const int TagsLengthMax = 1024;

    // Kestrel takes 100 headers of 32 KiB together. What goes on has a hop's headers besides: a client that filled the
    // room would have every node refuse the whole, and look as if the nodes failed.
    private const int MetadataBytesMax = 24 << 10, MetadataEntriesMax = 80, EntryOverhead = 32;

    /// <summary>
    /// The head, or why the request is refused unread. What was learned before a refusal is in the draft.
    /// </summary>
    public (RequestHead? Head, RpcException? Error) Read(HttpContext http, Decisions.DecisionDraft draft)
    {
        Caller caller = http.GetCaller();
        IHeaderDictionary headers = http.Request.Headers;
        HopAssertion? origin = null;
        if (caller.Kind == CallerKind.Tenant && !Fits(headers))
            return (null, GatewayErrors.MetadataInvalid(
                "metadata", $"takes at most {MetadataEntriesMax} entries and {MetadataBytesMax} bytes together"));
        if (caller.Kind == CallerKind.Service)
        {
            (origin, RpcException? hopError) = ReadOrigin(headers, caller);
            if (hopError is not null)
                return (null, hopError);
        }
        draft.Id = origin?.DecisionId ?? draft.Id;
        draft.Tenant = origin?.Tenant ?? caller.Tenant;
        draft.Principal = origin?.Principal ?? caller.Principal;
        draft.OriginRegion = origin is null ? topology.Own : caller.Region;
        RpcException? error = ReadMetadata(headers, draft, out IBalancingStrategy? strategy, out TimeSpan? timeout);
        if (error is not null)
            return (null, error);
        // What another router sends on, it has checked: its tenants are its own to know.
        if (origin is null && rights.Fault(
                draft.Tenant, draft.Priority, strategy, headers[Headers.Tags].ToString()) is { } unfit)
            return (null, unfit);
        // From a router, the class it decided counts, whatever the header that the client sent says.
        draft.AskedClass = origin?.DataClass ?? headers[Headers.DataClass].ToString();
        if (origin is { Priority.Length: > 0 })
            draft.Priority = origin.Priority;

        RegionSet? allowed = origin is null ? null : ToSet(origin.AllowedRegions);
        (EffectiveClass? known, error) = Admission.Admit(topology, draft, model: null, allowed);
        return known is null
            ? (null, error)
            : (new RequestHead(draft.Tenant, draft.Principal, draft.AskedClass, draft.Priority, strategy, timeout,
                origin, known, allowed), null);
    }

    private static bool Fits(IHeaderDictionary headers)
    {
        int bytes = 0, entries = 0;
        foreach (var (name, values) in headers)
            foreach (string? value in values)
            {
                // As HTTP/2 counts a header list, and in bytes as they go on: a character may have three.
                bytes += name.Length + Encoding.UTF8.GetByteCount(value ?? "") + EntryOverhead;
                entries++;
            }
        return bytes <= MetadataBytesMax && entries <= MetadataEntriesMax;
    }

    private (HopAssertion?, RpcException?) ReadOrigin(IHeaderDictionary headers, Caller caller)
    {
        if (!caller.IsService("routing") || caller.Region == topology.Own)
            return (null, GatewayErrors.CallerNotAllowed(caller.Principal));
        return verifier.Verify(headers, $"router/{topology.Own}", caller) switch
        {
            HopVerdict.Accepted { Assertion.Hops: >= 2 } => (null, GatewayErrors.TooManyHops()),
            HopVerdict.Accepted accepted => (accepted.Assertion, null),
            HopVerdict.Refused refused => (null, GatewayErrors.HopInvalid(refused.Why)),
            _ => throw new InvalidOperationException("unknown verdict"),
        };
    }

    private static RpcException? ReadMetadata(
        IHeaderDictionary headers, Decisions.DecisionDraft draft, out IBalancingStrategy? strategy,
            out TimeSpan? timeout)
    {
        (strategy, timeout) = (null, null);
        foreach (string once in (ReadOnlySpan<string>)[Headers.DataClass, Headers.Priority, Headers.Strategy,
            Headers.Timeout])
            if (headers[once].Count > 1)
                return GatewayErrors.MetadataInvalid(once, "takes one value");
        // Sent empty, it is a class that the caller meant to name and did not, not a wish for the tenant's own.
        if (headers[Headers.DataClass] is { Count: 1 } named && named.ToString().Length == 0)
            return GatewayErrors.MetadataInvalid(Headers.DataClass, "takes a data class; leave it out to name none");
        StringValues priority = headers[Headers.Priority];
        if (priority.Count > 0 && priority != "realtime" && priority != "batch")
            return GatewayErrors.MetadataInvalid(Headers.Priority, "takes realtime or batch");
        draft.Priority = priority.Count > 0 ? priority.ToString() : "realtime";
        if (headers[Headers.Strategy] is { Count: > 0 } name)
        {
            if (!StrategyCatalogue.ByName.TryGetValue(name.ToString(), out strategy))
                return GatewayErrors.MetadataInvalid(Headers.Strategy, $"takes one of {StrategyCatalogue.Names}");
        }
        draft.Strategy = (strategy ?? StrategyCatalogue.Default).Name; // until the model is known
        if (headers[Headers.Tags].ToString().Length > TagsLengthMax)
            return GatewayErrors.MetadataInvalid(Headers.Tags, $"takes at most {TagsLengthMax} characters");
        if (headers[Headers.Timeout] is { Count: > 0 } text)
        {
            if (!GrpcTimeout.TryParse(text.ToString(), out TimeSpan parsed))
                return GatewayErrors.MetadataInvalid(Headers.Timeout,
                    "takes 1 to 8 digits and one of H, M, S, m, u, n");
            timeout = parsed;
        }
        return null;
    }

    private RegionSet ToSet(IEnumerable<string> regions)
    {
        RegionSet set = RegionSet.None;
        foreach (string region in regions)
            if (topology.Policy.IndexOf(region) is >= 0 and var index)
                set = set.With(index);
        return set;
    }
}
