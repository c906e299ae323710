using Lepton.ServiceDefaults;
using Lepton.Sync.Placement;
using Lepton.Sync.V1;

namespace Lepton.Sync.Homes;

/// <summary>
/// Refuses on its metadata alone what this region may not hold: nothing of the message is read (DESIGN, principle 2).
/// </summary>
internal sealed class ClassHeader(RequestDelegate next, ITopologySource topology)
{
    /// <summary>Names the class of every record in the message.</summary>
    public const string Name = "x-lepton-record-class";

    private static readonly PathString Records = new($"/{RecordService.Descriptor.FullName}");

    public Task InvokeAsync(HttpContext context)
    {
        var named = context.Request.Headers[Name];
        if (named.Count == 0 || !context.Request.Path.StartsWithSegments(Records, StringComparison.Ordinal))
            return next(context);
        var now = topology.Current;
        foreach (var name in named)
            if (now.FindClass(name ?? "") is not { } found)
                return SyncErrors.ClassUnknown(Name, name ?? "", now).WriteToAsync(context);
            else if (!topology.MayHold(found, topology.Self.Region))
                return SyncErrors.NodeNotAllowed(found, topology.Self.Region).WriteToAsync(context);
        return next(context);
    }
}
