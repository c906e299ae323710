namespace Lepton.Sync.Placement;

/// <summary>The node's own copy: what is wrong with it is logged and counted, and stops nothing.</summary>
internal sealed partial class KeptTopology(ITopologyFile file, PlacementMetrics metrics, ILogger<KeptTopology> logger)
{
    private long _keptEpoch;
    private string? _fault;

    /// <summary>The copy; null: there is none that could be used by the node of this name.</summary>
    public Topology? Load(string self)
    {
        try
        {
            var kept = file.Load();
            if (kept is null || kept.FindNode(self) is not null)
            {
                _keptEpoch = kept?.Epoch ?? 0;
                return kept;
            }
            Failed("verify", $"it is of other nodes ({string.Join(", ", kept.Nodes.Select(n => n.Name))})");
        }
        catch (InvalidDataException e)
        {
            Failed("verify", e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failed("read", e.Message);
        }
        return null;
    }

    /// <summary>Sees that the copy is of this one; what failed is tried again with the next call.</summary>
    public void Ensure(Topology topology)
    {
        if (_keptEpoch == topology.Epoch)
            return;
        try
        {
            file.Save(topology);
            (_keptEpoch, _fault) = (topology.Epoch, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Failed("write", e.Message);
        }
    }

    private void Failed(string operation, string why)
    {
        metrics.FileFailed(operation);
        if (why != _fault)
            LogFailed(operation, why);
        _fault = why;
    }

    [LoggerMessage(LogLevel.Error, "This node's own copy of the topology failed to {Operation}: {Why}")]
    private partial void LogFailed(string operation, string why);
}
