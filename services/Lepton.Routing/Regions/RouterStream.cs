using Grpc.Core;

namespace Lepton.Routing.Regions;

/// <summary>A stream to another router that is opened again whenever it ends, with growing waits.</summary>
internal static class RouterStream
{
    /// <param name="run">Opens the stream and serves it to its end.</param>
    /// <param name="ended">Told after each end; why, where it was a failure.</param>
    /// <param name="retryMin">The first wait, and the one after a stream that lasted longer than the longest.</param>
    /// <param name="retryMax">The longest wait.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stopping">Ends it, in silence.</param>
    public static async Task KeepAsync(
        Func<Task> run, Action<string?> ended, TimeSpan retryMin, TimeSpan retryMax, TimeProvider time,
        CancellationToken stopping)
    {
        TimeSpan retry = retryMin;
        while (!stopping.IsCancellationRequested)
        {
            long started = time.GetTimestamp();
            string? why = null;
            try
            {
                await run();
            }
            catch (Exception e) when (
                e is RpcException or IOException or OperationCanceledException or InvalidOperationException)
            {
                if (stopping.IsCancellationRequested)
                    return;
                why = e is RpcException rpc ? rpc.Status.Detail : e.Message;
            }
            ended(why);
            retry = time.GetElapsedTime(started) > retryMax ? retryMin
                : TimeSpan.FromTicks(Math.Min(retry.Ticks * 2, retryMax.Ticks));
            await Task.Delay(retry, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
