using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Simulation;
using OpenInference;

namespace Lepton.Benchmarks.Balance.Real;

/// <summary>
/// Sends each request when it is due, whatever became of those before, and counts its time from when it was due: a
/// generator that waits would leave out just the requests that were to wait (coordinated omission).
/// </summary>
internal sealed class OpenLoad(RealRegion region, Scenario scenario, string strategy, int greyNode)
{
    private static readonly TimeSpan DeadlineMax = TimeSpan.FromSeconds(10);
    private readonly ConcurrentBag<double> _milliseconds = [];
    private readonly ConcurrentDictionary<StatusCode, int> _failures = [];
    private readonly GRPCInferenceService.GRPCInferenceServiceClient[] _clients =
        [.. region.Channels.Select(c => new GRPCInferenceService.GRPCInferenceServiceClient(c))];

    public IEnumerable<double> Milliseconds => _milliseconds;

    public IReadOnlyDictionary<StatusCode, int> Failures => _failures;

    /// <summary>Returns when every request has ended.</summary>
    public async Task RunAsync(int routers, int seed)
    {
        Arrival[] arrivals = [.. Arrivals.Of(scenario, routers, seed)];
        Task[] sent = new Task[arrivals.Length];
        // A thread of its own: on the pool the answers' work would keep the next request waiting.
        await Task.Factory.StartNew(() =>
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < arrivals.Length; i++)
            {
                Arrival arrival = arrivals[i];
                TimeSpan left = TimeSpan.FromSeconds(arrival.Seconds) - Stopwatch.GetElapsedTime(start);
                if (left > TimeSpan.Zero)
                    Thread.Sleep(left);
                long due = start + (long)(arrival.Seconds * Stopwatch.Frequency);
                sent[i] = Task.Run(() => SendAsync(arrival, due));
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.WhenAll(sent);
    }

    private async Task SendAsync(Arrival arrival, long due)
    {
        bool grey = arrival.Seconds >= scenario.WarmUpSeconds + (scenario.DurationSeconds / 3);
        float[] work = [(float)arrival.Size, greyNode, grey ? (float)scenario.GreyFactor : 1];
        ModelInferRequest request = new()
        {
            ModelName = RealRegion.Model,
            Inputs =
            {
                new ModelInferRequest.Types.InferInputTensor
                {
                    Name = SleepModel.Input, Datatype = "FP32", Shape = { SleepModel.InputLength },
                },
            },
            RawInputContents = { ByteString.CopyFrom(MemoryMarshal.AsBytes(work.AsSpan())) },
        };
        bool counts = arrival.Seconds >= scenario.WarmUpSeconds;
        try
        {
            await _clients[arrival.Router].ModelInferAsync(request, new Metadata { { "x-lepton-strategy", strategy } },
                DateTime.UtcNow + DeadlineMax);
            if (counts)
                _milliseconds.Add(Stopwatch.GetElapsedTime(due).TotalMilliseconds);
        }
        catch (RpcException e)
        {
            if (counts)
                _failures.AddOrUpdate(e.StatusCode, 1, static (_, n) => n + 1);
        }
    }
}
