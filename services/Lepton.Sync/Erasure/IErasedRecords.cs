using Lepton.Sync.Records;

namespace Lepton.Sync.Erasure;

/// <summary>What becomes of the records of destroyed keys. The Homes part does it.</summary>
internal interface IErasedRecords
{
    /// <summary>
    /// Makes a tombstone without a body of every value that these keys had sealed, in the slots that this node is home
    /// of (<see cref="Storage.IRecordStore.ReadSealedAsync"/>), and drops what is cached of them. In batches, so that a
    /// try that is cut has done a part; called again for the same keys.
    /// </summary>
    /// <returns>How many values here those keys had sealed, in whichever slots, before this call.</returns>
    Task<long> RemoveAsync(IReadOnlyList<KeyId> keyIds, CancellationToken cancellationToken);
}
