namespace Lepton.Routing.Balancing;

/// <summary>Candidates that are drawn against each other, with their weights at the time of the snapshot.</summary>
internal sealed class CandidateLevel
{
    public CandidateLevel(Candidate[] candidates, Func<Candidate, double> weight)
    {
        Candidates = candidates;
        Weights = Array.ConvertAll(candidates, c => weight(c));
        Table = AliasTable.Build(Weights);
    }

    public Candidate[] Candidates { get; }

    public double[] Weights { get; }

    public AliasTable Table { get; }
}
