using Lepton.Routing.Balancing;

namespace Lepton.Routing.Registry;

/// <summary>One model version on one node, as last reported, with this router's live lane to it.</summary>
internal sealed record ServedModel(
    string Name, string Version, bool Ready, int Slots, int QueueMax, int Queued, int InFlight,
    double ServiceSeconds, string Provider, Lane Lane)
{
    /// <summary>Answers that it counted lately, whoever asked; see <see cref="AnswerShare"/>.</summary>
    public double AnswersOfAll { get; init; }

    /// <summary>Of those, the ones that this router had.</summary>
    public double AnswersToUs { get; init; }

    /// <summary>It executed nothing for a while: its service time is what it once was.</summary>
    public bool Idle { get; init; }

    /// <summary>Declared so: a request that may have run is never sent a second time.</summary>
    public bool NonIdempotent { get; init; }

    /// <summary>It will be ready soon.</summary>
    public bool Loading { get; init; }
}
