namespace Lepton.Sync.Client;

/// <summary>
/// How old the control data in use is, for who decides by it. Made empty, before the state that it tells of: that needs
/// those who use it.
/// </summary>
public sealed class ControlAge
{
    private volatile Func<TimeSpan?> _age = () => null;
    private volatile Func<bool> _isTooOld = () => false;

    /// <summary>How long it may have been overtaken; null: nothing confirms it, it goes by its files.</summary>
    public TimeSpan? Age => _age();

    /// <summary>It is older than <c>SyncClient:AgeMax</c>. No locks; always false where there is no maximum.</summary>
    public bool IsTooOld => _isTooOld();

    internal void Follow(Func<TimeSpan?> age, Func<bool> isTooOld) => (_age, _isTooOld) = (age, isTooOld);
}
