using Lepton.Routing.Regions;

namespace Lepton.Routing.Registry;

/// <summary>
/// The service time to believe of a place until this router has measured it. A place that works is believed; one that
/// never worked, or not for a while, is taken for as good as the best of its kind: its last word may be one cold
/// start's, and who is never asked again can never take it back. If it is slow, the next answer says so.
/// </summary>
internal sealed class ServicePrior
{
    // Before anybody has measured: between a language model's token and an image. Only ratios matter.
    private const double SecondsDefault = 0.05;

    private readonly Dictionary<string, double> _bestByProvider = new(StringComparer.Ordinal);
    private double _best = double.PositiveInfinity;

    public static ServicePrior Of(IEnumerable<ServedModel?> nodes, IEnumerable<RegionModel?> regions)
    {
        ServicePrior prior = new();
        foreach (ServedModel model in nodes.OfType<ServedModel>())
            prior.Add(model.Provider, model.ServiceSeconds);
        foreach (RegionModel region in regions.OfType<RegionModel>())
            prior.Add(KindOf(region), SecondsOf(region));
        return prior;
    }

    public double For(ServedModel model) => model is { ServiceSeconds: > 0, Idle: false }
        ? model.ServiceSeconds
        : BestOf(model.Provider);

    public double For(RegionModel region) => SecondsOf(region) is > 0 and var seconds ? seconds
        : BestOf(KindOf(region));

    private double BestOf(string kind) =>
        _bestByProvider.TryGetValue(kind, out double best) ? best
        : double.IsFinite(_best) ? _best
        : SecondsDefault;

    private void Add(string kind, double seconds)
    {
        if (seconds <= 0)
            return;
        _best = Math.Min(_best, seconds);
        if (!_bestByProvider.TryGetValue(kind, out double best) || seconds < best)
            _bestByProvider[kind] = seconds;
    }

    // A region of one provider is of its kind; a mixed one is a kind of its own.
    private static string KindOf(RegionModel region) => string.Join('+', region.Summary.Providers);

    private static double SecondsOf(RegionModel region) => region.Summary.ServiceTime?.ToTimeSpan().TotalSeconds ?? 0;
}
