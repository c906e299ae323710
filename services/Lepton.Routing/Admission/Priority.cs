namespace Lepton.Routing.Admission;

/// <summary>Who goes first: the lower value. The classes of x-lepton-priority.</summary>
internal enum Priority
{
    /// <summary>Somebody waits for the answer.</summary>
    Realtime,

    /// <summary>Takes what the others leave, and is refused first.</summary>
    Batch,
}
