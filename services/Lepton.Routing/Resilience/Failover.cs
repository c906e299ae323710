using Lepton.Routing.Balancing;

namespace Lepton.Routing.Resilience;

/// <summary>
/// Where a request goes after a place died under it: to another zone if one has a candidate, after two deaths in this
/// region to another region. It only ever takes candidates away, among those that residency allows; when nothing
/// would be left it takes none.
/// </summary>
internal static class Failover
{
    // One death is a process's, or a machine's, or a zone's. Two in one region are more likely the region's.
    private const int DeathsOfARegion = 2;

    /// <param name="view">The candidates.</param>
    /// <param name="passed">Places that were tried.</param>
    /// <param name="died">Those of them that died.</param>
    /// <returns>The same, and the places that share a zone or region with the dead ones.</returns>
    public static PassedOver Avoid(CandidateView view, PassedOver passed, IReadOnlyList<Candidate> died)
    {
        if (died.Count == 0)
            return passed;
        if (OwnDeaths(died) >= DeathsOfARegion && Any(view.Remote.Candidates, passed, died, anyZone: true))
            return WithOwn(view, passed, died, anyZone: true);
        return Any(view.Own.Candidates, passed, died, anyZone: false)
            ? WithOwn(view, passed, died, anyZone: false)
            : passed;
    }

    private static bool Any(Candidate[] level, PassedOver passed, IReadOnlyList<Candidate> died, bool anyZone)
    {
        foreach (Candidate candidate in level)
            if (passed.ReasonOf(candidate.Lane) == Exclusion.None && (anyZone || !SharesZone(candidate, died)))
                return true;
        return false;
    }

    private static PassedOver WithOwn(
        CandidateView view, PassedOver passed, IReadOnlyList<Candidate> died, bool anyZone)
    {
        PassedOver all = passed.Copy();
        foreach (Candidate candidate in view.Own.Candidates)
            if (anyZone || SharesZone(candidate, died))
                all.Add(candidate.Lane, Exclusion.ZoneFailed);
        return all;
    }

    private static int OwnDeaths(IReadOnlyList<Candidate> died)
    {
        int own = 0;
        foreach (Candidate candidate in died)
            own += candidate.IsRegion ? 0 : 1;
        return own;
    }

    private static bool SharesZone(Candidate candidate, IReadOnlyList<Candidate> died)
    {
        foreach (Candidate dead in died)
            if (!dead.IsRegion && dead.Zone == candidate.Zone)
                return true;
        return false;
    }
}
