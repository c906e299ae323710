using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;

namespace Lepton.Benchmarks.Sync.Ledger;

/// <summary>
/// Writers that never stop: each writes one record after another, each of a key of its own, at every level, through any
/// node, of a class of both regions or of one that must not leave eu-west.
/// </summary>
internal sealed class LedgerLoad(LedgerWorld world, WriteLedger ledger, int seed)
{
    private const int Writers = 12;
    private const int ValueBytes = 300;
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    private static readonly WriteLevel[] levels =
    [
        WriteLevel.Local, WriteLevel.Local, WriteLevel.Zone, WriteLevel.Zone, WriteLevel.Any, WriteLevel.Each,
    ];

    private readonly RecordService.RecordServiceClient[] _nodes = [.. world.Nodes.Select(n => n.Keeper.Records)];

    /// <summary>Until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(w, cancellationToken))));

    private async Task WriteAsync(int writer, CancellationToken cancellationToken)
    {
        Random random = new(seed + writer);
        for (int i = 0; !cancellationToken.IsCancellationRequested; i++)
        {
            bool isPersonal = random.Next(4) == 0;
            WriteLevel level = levels[random.Next(isPersonal ? 4 : levels.Length)]; // one region has no others
            RecordService.RecordServiceClient node = _nodes[isPersonal ? random.Next(2, 4) : random.Next(4)];
            string recordClass = isPersonal ? "eu-personal" : "public";
            string key = string.Create(CultureInfo.InvariantCulture, $"w{writer}/{i}");
            byte[] value = new byte[ValueBytes];
            random.NextBytes(value);
            Told told = await PutAsync(node, recordClass, key, value, level);
            ledger.Add(new LedgerEntry(recordClass, key, level, told));
            if (told != Told.Acknowledged)
                await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }
    }

    private static async Task<Told> PutAsync(
        RecordService.RecordServiceClient node, string recordClass, string key, byte[] value, WriteLevel level)
    {
        try
        {
            PutRequest request = new()
            {
                Write = new Write
                {
                    Key = new RecordKey { RecordClass = recordClass, Key = key },
                    Value = UnsafeByteOperations.UnsafeWrap(value),
                },
                Level = level, OtherRegions = level == WriteLevel.Any ? 1 : 0,
            };
            await node.PutAsync(request, new CallOptions(deadline: DateTime.UtcNow + patience));
            return Told.Acknowledged;
        }
        catch (RpcException e)
        {
            // WRITE_UNCONFIRMED and WRITE_OUTCOME_UNKNOWN, or no answer of the service at all.
            return RpcErrors.ReasonOf(e) is { } reason && !reason.StartsWith("WRITE_", StringComparison.Ordinal)
                ? Told.Refused
                : Told.Unknown;
        }
    }
}
