using Grpc.Core;

namespace Lepton.Sync.Tests.World;

/// <summary>Short forms of what tests ask for: what they wait for.</summary>
internal static partial class Calls
{
    /// <summary>A busy machine is no fault of what is tested.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Until it holds; what is refused meanwhile does not hold yet.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> holds)
    {
        using CancellationTokenSource patience = new(Patience);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(50));
        RpcException? last = null;
        while (true)
        {
            try
            {
                if (await holds())
                    return;
            }
            catch (RpcException e)
            {
                last = e;
            }
            try
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not come true. {last?.Message}", last);
            }
        }
    }
}
