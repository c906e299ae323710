using Lepton.Routing.Balancing;
using Lepton.Routing.Regions;
using Lepton.Routing.Registry;

namespace Lepton.Routing.Health;

/// <summary>
/// Compares the places of each model, ten times in a window. One that is an outlier in all that it was asked for is
/// ejected; in one model of several, only that model's circuit opens.
/// </summary>
internal sealed class OutlierWatch(HealthMonitor monitor)
{
    private long _lookedAt = monitor.Time.GetTimestamp();

    /// <summary>Called more often than it looks.</summary>
    public void Look(RegistrySnapshot snapshot)
    {
        EjectionOptions options = monitor.Options.Ejection;
        if (monitor.Time.GetElapsedTime(_lookedAt) < options.Window / OutcomeWindow.Samples)
            return;
        _lookedAt = monitor.Time.GetTimestamp();

        List<Lane> lanes = [];
        List<Sample> samples = [];
        foreach ((Lane lane, Sample sample) in SamplesOf(snapshot))
        {
            lanes.Add(lane);
            samples.Add(sample);
        }
        List<Outlier> outliers = OutlierDetector.Find(samples, options);
        HashSet<Lane> worse = [.. outliers.Select(o => lanes[o.Index])];
        foreach (Outlier outlier in outliers)
        {
            Lane lane = lanes[outlier.Index];
            bool whole = Enumerable.Range(0, lanes.Count).All(i => lanes[i].Place != lane.Place
                || samples[i].Judged < options.RequestsMin || worse.Contains(lanes[i]));
            if (whole)
                lane.Place?.Eject(outlier.Cause, $"{lane.Model}: {outlier.Why}", lane);
            else
                lane.Trip(outlier.Why);
            lane.Window.Restart(lane.Good, lane.Failed); // what comes after is judged by itself
        }
    }

    private static IEnumerable<(Lane, Sample)> SamplesOf(RegistrySnapshot snapshot)
    {
        foreach (NodeView node in snapshot.Nodes)
            foreach (ServedModel model in node.Models)
                yield return (model.Lane, SampleOf(model.Lane, (model.Name, model.Version), model.Provider));
        foreach (RegionView region in snapshot.Regions)
            foreach (RegionModel model in region.Models)
                yield return (model.Lane, SampleOf(model.Lane, (model.Summary.Name, model.Summary.Version),
                    "region " + string.Join('+', model.Summary.Providers)));
    }

    private static Sample SampleOf(Lane lane, (string, string) model, string kind)
    {
        (long good, long failed) = lane.Window.Slide(lane.Good, lane.Failed);
        return new Sample(model, kind, good, failed, lane.ServiceSeconds);
    }
}
