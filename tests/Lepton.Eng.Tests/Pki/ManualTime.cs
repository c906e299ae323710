namespace Lepton.Eng.Tests.Pki;

/// <summary>A clock that a test moves.</summary>
internal sealed class ManualTime(DateTimeOffset now) : TimeProvider
{
    private DateTimeOffset current = now;

    public void Advance(TimeSpan step) => current += step;

    public override DateTimeOffset GetUtcNow() => current;
}
