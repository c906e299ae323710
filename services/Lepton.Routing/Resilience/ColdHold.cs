using System.Diagnostics;
using Lepton.Routing.Balancing;
using Lepton.Routing.Gateway;
using Lepton.Routing.Registry;
using Microsoft.Extensions.Options;

namespace Lepton.Routing.Resilience;

/// <summary>
/// Holds requests for a model that no allowed place has ready and one is loading: a cold start is a wait, not an
/// error. Bounded in time, number and bytes; batch requests are turned away first.
/// </summary>
internal sealed class ColdHold(
    SnapshotPublisher snapshots, ResilienceMetrics metrics, IOptions<RoutingOptions> options, TimeProvider time)
{
    private const double BatchShare = 0.5;

    private long _count;
    private long _bytes;

    /// <summary>Requests that wait now.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Waits for a place; false: none will come, or not in time, or too much waits already.</summary>
    public async Task<bool> WaitAsync(GatewayCall call)
    {
        HoldOptions hold = options.Value.Hold;
        if (!snapshots.Current.Find(call.Key).IsComing || hold.TimeMax == TimeSpan.Zero)
            return false;
        double share = call.Head.Priority == "batch" ? BatchShare : 1;
        long bytes = call.Draft.BytesRead;
        long count = Interlocked.Increment(ref _count), total = Interlocked.Add(ref _bytes, bytes);
        long started = time.GetTimestamp();
        string outcome = "refused";
        metrics.Held.Add(1);
        try
        {
            if (count > hold.CountMax * share || total > hold.BytesMax * share)
                return false;
            TimeSpan most = call.TimeLeft < hold.TimeMax ? call.TimeLeft : hold.TimeMax;
            outcome = "timed_out";
            bool served = await WaitAsync(call, started, most);
            outcome = served ? "served" : outcome;
            return served;
        }
        finally
        {
            Interlocked.Decrement(ref _count);
            Interlocked.Add(ref _bytes, -bytes);
            metrics.Held.Add(-1);
            metrics.HoldDuration.Record(time.GetElapsedTime(started).TotalSeconds,
                new KeyValuePair<string, object?>("lepton.outcome", outcome));
        }
    }

    private async Task<bool> WaitAsync(GatewayCall call, long started, TimeSpan most)
    {
        while (true)
        {
            Task changed = snapshots.Changed; // before the look: a change after it is not missed
            CandidateView view = snapshots.Current.Find(call.Key);
            if (!view.IsEmpty)
                return true;
            TimeSpan left = most - time.GetElapsedTime(started);
            if (!view.IsComing || left <= TimeSpan.Zero)
                return false;
            try
            {
                await changed.WaitAsync(left, time, call.Cancellation);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }
}
