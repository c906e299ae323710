namespace Lepton.Routing.Balancing;

/// <summary>
/// How many requests a place answers for each that this router sent there: what its reports count against what the
/// lane counts, over about the last five reports. The registry's lock covers it.
/// </summary>
internal sealed class AnswerShare
{
    // What a report's growth weighs five reports later: a third.
    private const double Keep = 0.8;

    // More routers than this is a count gone wrong, or a router that has just begun.
    private const double CrowdMax = 16;

    private ulong _all;
    private long _own;

    /// <summary>Answers that the place counted lately.</summary>
    public double All { get; private set; }

    /// <summary>Answers that this router had from it lately.</summary>
    public double Own { get; private set; }

    /// <summary>Takes both totals, as of a report.</summary>
    public void Hear(ulong all, long own)
    {
        if (_all > 0 && all >= _all)
            (All, Own) = ((All * Keep) + (all - _all), (Own * Keep) + (own - _own));
        (_all, _own) = (all, own);
    }

    /// <summary>
    /// Requests at such places, whoever sent them, for each of this router's: 1 when it is alone. Taken over all places
    /// of a model, since one alone has too few answers to count on.
    /// </summary>
    public static double Crowd(double all, double own) => Math.Clamp((all + 1) / (own + 1), 1, CrowdMax);
}
