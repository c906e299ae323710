namespace Lepton.Sync.Placement;

// The residency policy in force over the topology's classes (C3, S6).
internal sealed partial class TopologyWatch
{
    public bool MayHold(RecordClass recordClass, string region) => recordClass.Allows(region)
        && _policies?.Current.MayKeep(recordClass.DataClass, region) != false;

    // A class that comes in is taken only if the policy in force lets every region of it keep such data. One that was
    // there before a policy narrowed stays, and is closed where it may no longer be: MayHold.
    private string? PolicyRefusal(Topology current, Topology next)
    {
        if (_policies?.Current is not { } policy)
            return null;
        string[] forbidden =
        [
            .. from added in next.Classes.Skip(current.Classes.Count)
            from region in added.Regions
            where !policy.MayKeep(added.DataClass, region)
            select $"{added.Name} in {region}",
        ];
        return forbidden.Length == 0 ? null
            : $"Residency policy {policy.Version} does not allow the topology of epoch {next.Epoch}: "
                + $"{string.Join(", ", forbidden)}.";
    }
}
