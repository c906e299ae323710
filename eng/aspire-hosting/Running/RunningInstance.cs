using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>One instance of a resource and the DCP object that is its present life.</summary>
internal sealed class RunningInstance(IResource resource, string id)
{
    private int generation;

    public IResource Resource { get; } = resource;

    public string Id { get; } = id;

    /// <summary>Null while there is no object: before the first start and between two lives.</summary>
    public string? DcpName { get; private set; }

    public bool IsContainer => Resource is ContainerResource;

    public string Plural => IsContainer ? Dcp.DcpObjects.Containers : Dcp.DcpObjects.Executables;

    /// <summary>Held while the instance is started, stopped or restarted: one of these at a time.</summary>
    public SemaphoreSlim Gate { get; } = new(1, 1);

    /// <summary>Cancels a start that still waits for something.</summary>
    public CancellationTokenSource? PendingStart { get; set; }

    /// <summary>The first life is named like the instance; a name is never used twice.</summary>
    public string BeginLife()
    {
        DcpName = generation == 0 ? Id : $"{Id}-{generation}";
        generation++;
        return DcpName;
    }

    public void EndLife() => DcpName = null;
}
