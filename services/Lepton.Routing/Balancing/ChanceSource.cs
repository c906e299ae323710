namespace Lepton.Routing.Balancing;

/// <summary>Gives every request its own <see cref="Chance"/>; threads share one counter and nothing else.</summary>
internal sealed class ChanceSource(ulong seed)
{
    private ulong _requests;

    public Chance Next()
    {
        ulong n = Interlocked.Increment(ref _requests);
        return new Chance(Chance.Mix(Chance.Step(seed, n)));
    }
}
