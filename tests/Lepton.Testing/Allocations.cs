namespace Lepton.Testing;

/// <summary>What a piece of work allocates on its own thread.</summary>
public static class Allocations
{
    private const int Tries = 5;

    /// <summary>
    /// Bytes, the least of five runs: a collection in between counts the rest of the thread's buffer, up to 8 KiB, as
    /// allocated. What allocates does so each time.
    /// </summary>
    public static long Of(Action work)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Tries && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        return least;
    }
}
