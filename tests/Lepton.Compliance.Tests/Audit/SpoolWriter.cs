using Lepton.Compliance.V1;

namespace Lepton.Compliance.Tests.Audit;

/// <summary>Writes events for as long as it lives, and says of each when it is on the disk.</summary>
internal static class SpoolWriter
{
    private const int Writers = 8;

    public static async Task<int> RunAsync(string directory)
    {
        using TestSpool spool = new(new() { SpoolDirectory = directory, SegmentBytesMax = 16 << 10 });
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (int i = 0; ; i++)
            {
                AuditEvent e = new() { Action = "test.write", Message = $"{writer}/{i}" };
                await spool.Log.WriteAsync(e, CancellationToken.None);
                lock (spool)
                    Console.WriteLine(e.Id);
            }
        }));
        return 0;
    }
}
