using System.Data.Common;
using System.Globalization;
using Grpc.Core;
using Lepton.Platform.V1;
using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Storage;
using ErrorReason = Lepton.Sync.V1.ErrorReason;

namespace Lepton.Sync.Homes;

/// <summary>Every RpcException that a node of Sync makes.</summary>
internal static class SyncErrors
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    public static RpcException FieldInvalid(string field, string takes) => RpcErrors.FieldInvalid(field, takes);

    public static RpcException ClassUnknown(string field, string name, Topology topology)
    {
        var takes = $"takes one of {string.Join(", ", topology.Classes.Select(c => c.Name))}";
        return RpcErrors.Create(StatusCode.InvalidArgument, ErrorReason.ClassUnknown, $"{field}: '{name}': {takes}.",
            null, RpcErrors.BadField(field, takes));
    }

    public static RpcException NodeNotAllowed(RecordClass recordClass, string region) => RpcErrors.Create(
        StatusCode.FailedPrecondition, ErrorReason.NodeNotAllowed,
        $"Records of class {recordClass.Name} are for {string.Join(", ", recordClass.Regions)}; this node is in "
        + $"{region}.",
        Data(("class", recordClass.Name), ("region", region), ("regions", string.Join(',', recordClass.Regions))));

    public static RpcException ClassTooWide(RecordClass recordClass, string tenant, string floor) => RpcErrors.Create(
        StatusCode.PermissionDenied, ErrorReason.ClassTooWide,
        $"What tenant {tenant} keeps is of class {floor} at least, and {recordClass.Name} is kept in more regions.",
        Data(("class", recordClass.Name), ("floor", floor)));

    public static RpcException TenantUnknown(string tenant) => RpcErrors.Create(
        StatusCode.PermissionDenied, ErrorReason.TenantUnknown,
        $"The residency policy has no tenant {tenant}.", Data(("tenant", tenant)));

    public static RpcException TenantNotAllowed(Caller caller, string tenant, Permission permission) =>
        RpcErrors.Create(
            StatusCode.PermissionDenied, Platform.V1.ErrorReason.CallerNotAllowed,
            $"{caller.Principal} may not act for tenant {tenant}: that takes {AccessRule.NameOf(permission)} for all "
            + "tenants.",
            Data(("caller", caller.Principal), ("permission", AccessRule.NameOf(permission))));

    public static RpcException PageTokenInvalid() => RpcErrors.Create(
        StatusCode.InvalidArgument, ErrorReason.PageTokenInvalid,
        "page_token: takes the next_page_token of a scan of the same class, prefix and tenant.", null,
        RpcErrors.BadField("page_token", "takes the next_page_token of a scan of the same class, prefix and tenant"));

    public static RpcException WatchElsewhere(
        RecordClass recordClass, string node, IReadOnlyList<string> others) => RpcErrors.Create(
        StatusCode.FailedPrecondition, ErrorReason.WatchElsewhere,
        $"{node} does not hold every slot of class {recordClass.Name}, and only a node that does can follow it: "
            + (others.Count > 0 ? $"ask {string.Join(" or ", others)}." : "there is none. Scan instead."),
        Data(("class", recordClass.Name), ("nodes", string.Join(',', others))));

    public static RpcException TooManyWatches() => RpcErrors.Create(
        StatusCode.ResourceExhausted, Platform.V1.ErrorReason.TooManyStreams,
        "As many watches are open as this node holds.", Data(("limit", "Sync:Homes:WatchesMax")),
        RpcErrors.RetryAfter(RetryDelay));

    public static RpcException ResumeTokenExpired() => RpcErrors.Create(
        StatusCode.OutOfRange, ErrorReason.ResumeTokenExpired,
        "What came after the token is no longer held here, or it is another node's. Scan, then watch anew.");

    public static RpcException StrandedUnknown() => RpcErrors.Create(
        StatusCode.NotFound, ErrorReason.StrandedUnknown,
        "This node has no such stranded write, or none that the caller has to do with.");

    public static RpcException NodeUnknown(string node, Topology topology) => RpcErrors.Create(
        StatusCode.NotFound, ErrorReason.NodeUnknown,
        $"'{node}' is no node of Sync; there are {string.Join(", ", topology.Nodes.Select(n => n.Name))}.",
        Data(("node", node)));

    /// <summary>A read that found no value.</summary>
    public static RpcException Of(FoundState state, RecordClass recordClass) => state switch
    {
        FoundState.Erased => RpcErrors.Create(
            StatusCode.NotFound, ErrorReason.RecordErased, "The record's subject was erased."),
        FoundState.Damaged => RpcErrors.Create(
            StatusCode.DataLoss, ErrorReason.RecordDamaged, "The record's bytes are not those that its home sealed."),
        FoundState.Absent => RpcErrors.Create(
            StatusCode.NotFound, ErrorReason.RecordUnknown, "There is no such record.",
            Data(("class", recordClass.Name))),
        _ => HomeUnavailable(),
    };

    public static RpcException HomeUnavailable() => RpcErrors.Create(
        StatusCode.Unavailable, ErrorReason.HomeUnavailable,
        "The home cannot be asked, or may not serve now.", null, RpcErrors.RetryAfter(RetryDelay));

    /// <summary>A write that is not as safe as asked for, or not there.</summary>
    public static RpcException Of(WriteReply reply) => reply.Reason switch
    {
        HomeReason.Conflict => RpcErrors.Create(
            StatusCode.Aborted, ErrorReason.VersionConflict, MessageOf(reply),
            Data(("version", reply.Version.ToString()))),
        HomeReason.Unconfirmed => RpcErrors.Create(
            StatusCode.DeadlineExceeded, ErrorReason.WriteUnconfirmed, MessageOf(reply),
            Data(
                ("version", reply.Version.ToString()), ("committed", "true"),
                ("confirmed", reply.Durability.Regions.Count.ToString(CultureInfo.InvariantCulture)),
                ("regions", string.Join(',', reply.Durability.Regions)),
                ("zone", reply.Durability.Zone ? "true" : "false"))),
        HomeReason.OutcomeUnknown => RpcErrors.Create(
            StatusCode.Unknown, ErrorReason.WriteOutcomeUnknown, MessageOf(reply)),
        HomeReason.Overloaded => RpcErrors.Create(
            StatusCode.ResourceExhausted, ErrorReason.Overloaded, MessageOf(reply),
            Data(("limit", "Sync:Storage:WritesWaitingMax")), RpcErrors.RetryAfter(RetryDelay)),
        HomeReason.DatabaseUnavailable => RpcErrors.Create(
            StatusCode.Unavailable, ErrorReason.DatabaseUnavailable, MessageOf(reply), null,
            RpcErrors.RetryAfter(RetryDelay)),
        HomeReason.KeysFull => KeyStoreFull(),
        HomeReason.KeysUnavailable => KeyStoreUnavailable(),
        _ => HomeUnavailable(),
    };

    /// <summary>
    /// A dependency of the node's own that failed under whatever it was doing; null: nothing of that kind, which is a
    /// bug's.
    /// </summary>
    public static RpcException? OfFault(Exception fault) => fault switch
    {
        KeyStoreFullException => KeyStoreFull(),
        KeyStoreUnavailableException or KeyErasedException => KeyStoreUnavailable(),
        DatabaseOutcomeUnknownException => RpcErrors.Create(
            StatusCode.Unknown, ErrorReason.WriteOutcomeUnknown, "Whether it was done is not known. Repeat it."),
        DatabaseUnavailableException or DbException => RpcErrors.Create(
            StatusCode.Unavailable, ErrorReason.DatabaseUnavailable, "The node's database does not answer.", null,
            RpcErrors.RetryAfter(RetryDelay)),
        InvalidOperationException { InnerException: DbException inner } => OfFault(inner), // as EF Core wraps it
        _ => null,
    };

    private static RpcException KeyStoreFull() => RpcErrors.Create(
        StatusCode.ResourceExhausted, ErrorReason.KeyStoreFull,
        "The node holds as many data keys as Sync:Keys:KeysMax says. Nothing was written.",
        Data(("limit", "Sync:Keys:KeysMax")));

    private static RpcException KeyStoreUnavailable() => RpcErrors.Create(
        StatusCode.Unavailable, ErrorReason.KeyStoreUnavailable,
        "The node's data keys (Sync:Keys:StoreDirectory) cannot be written. Nothing was written.",
        Data(("setting", "Sync:Keys:StoreDirectory")), RpcErrors.RetryAfter(RetryDelay));

    /// <summary>The reason of a reply that is not Ok, as it goes over the wire.</summary>
    public static ErrorReason ReasonOf(HomeReason reason) => reason switch
    {
        HomeReason.Conflict => ErrorReason.VersionConflict,
        HomeReason.Unconfirmed => ErrorReason.WriteUnconfirmed,
        HomeReason.OutcomeUnknown => ErrorReason.WriteOutcomeUnknown,
        HomeReason.Overloaded => ErrorReason.Overloaded,
        HomeReason.DatabaseUnavailable => ErrorReason.DatabaseUnavailable,
        HomeReason.KeysFull => ErrorReason.KeyStoreFull,
        HomeReason.KeysUnavailable => ErrorReason.KeyStoreUnavailable,
        HomeReason.EpochStale => ErrorReason.EpochStale,
        HomeReason.NotHome => ErrorReason.NotHome,
        _ => ErrorReason.HomeUnavailable,
    };

    /// <summary>For people; empty where the reply is Ok.</summary>
    public static string MessageOf(WriteReply reply) => reply.Reason switch
    {
        HomeReason.Ok => "",
        HomeReason.Conflict => $"The record's version is {reply.Version}, another than expected.",
        HomeReason.Unconfirmed =>
            $"Committed at its home; confirmed by {reply.Durability.Regions.Count} other regions"
            + (reply.Durability.Zone ? " and a second zone" : "") + ", fewer than asked for, in the time there was.",
        HomeReason.OutcomeUnknown => "Whether it was written is not known. Repeat it with the same request_id.",
        HomeReason.Overloaded => "More writes wait than this node holds. Nothing was written.",
        HomeReason.DatabaseUnavailable => "The database does not answer. Nothing was written.",
        HomeReason.KeysFull => "The home holds as many data keys as it may. Nothing was written.",
        HomeReason.KeysUnavailable => "The home's data keys cannot be written. Nothing was written.",
        _ => "The home cannot be asked, or may not serve now. Nothing was written.",
    };

    /// <summary>Between nodes: nothing of the class goes there.</summary>
    public static RpcException ResidencyRefused(string message) =>
        RpcErrors.Create(StatusCode.PermissionDenied, ErrorReason.ResidencyRefused, message);

    /// <summary>Between nodes: the callee cannot do it.</summary>
    public static RpcException Of(HomeReason reason, long epoch) => RpcErrors.Create(
        reason switch
        {
            HomeReason.EpochStale => StatusCode.Aborted,
            HomeReason.NotHome => StatusCode.FailedPrecondition,
            _ => StatusCode.Unavailable,
        },
        ReasonOf(reason), $"{reason}.", Data(("epoch", epoch.ToString(CultureInfo.InvariantCulture))));

    public static RpcException Of(PromotionAnswer answer, string node) => answer switch
    {
        PromotionAnswer.HomeReachable heard => RpcErrors.Create(
            StatusCode.FailedPrecondition, ErrorReason.HomeReachable,
            $"{node} is alive: {string.Join(", ", heard.HeardBy)} heard it within the lease's time.",
            Data(("heard_by", string.Join(',', heard.HeardBy)))),
        PromotionAnswer.ReplicaUnreachable silent => RpcErrors.Create(
            StatusCode.FailedPrecondition, ErrorReason.ReplicaUnreachable,
            $"{string.Join(", ", silent.Nodes)} may hold more of {node}'s writes and cannot be asked, or are "
            + "still copying. accept_loss goes on without.",
            Data(("nodes", string.Join(',', silent.Nodes)))),
        PromotionAnswer.EpochStale => RpcErrors.Create(
            StatusCode.Aborted, ErrorReason.EpochStale, "The map changed meanwhile. Look, and try again."),
        _ => RpcErrors.Create(
            StatusCode.Unavailable, ErrorReason.TopologyUnavailable,
            "The topology store does not answer. Look whether the epoch changed before you try again.", null,
            RpcErrors.RetryAfter(RetryDelay)),
    };

    private static Dictionary<string, string> Data(params ReadOnlySpan<(string Key, string Value)> pairs)
    {
        Dictionary<string, string> data = [];
        foreach (var (key, value) in pairs)
            data[key] = value;
        return data;
    }
}
