using System.Text;
using Lepton.Simulation.Sync;
using Lepton.Sync.Storage;

namespace Lepton.Sync.Tests.Storage;

/// <summary>The simulation's store keeps the same contract as the real one.</summary>
public sealed class SimulatedRecordStoreTests : RecordStoreContract
{
    private protected override Task<IRecordStore> CreateAsync() =>
        Task.FromResult<IRecordStore>(new SimulatedRecordStore(TimeProvider.System, new Random(1)));

    [Fact]
    public async Task AnyOperations_AsTheModelSays()
    {
        for (int seed = 1; seed <= 50; seed++)
            await new RandomOperations(await CreateAsync(), seed).RunAsync(steps: 100);
    }
}

/// <summary>Likewise.</summary>
public sealed class SimulatedAppliedChangesTests : AppliedChangesContract
{
    private readonly SimulatedRecordStore _store = new(TimeProvider.System, new Random(1));

    private protected override Task<IRecordStore> CreateAsync() => Task.FromResult<IRecordStore>(_store);

    private protected override Task<string[]> StrandedAsync() => Task.FromResult<string[]>(
        [.. _store.Rows.Stranded.Select(r => Encoding.UTF8.GetString(r.Key.Span)).Order(StringComparer.Ordinal)]);
}
