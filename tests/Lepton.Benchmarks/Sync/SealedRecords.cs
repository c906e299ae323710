using System.Diagnostics.Metrics;
using System.Security.Cryptography;
using Lepton.Sync.Records;
using Lepton.Sync.Sealing;
using Lepton.Sync.Sealing.Dictionaries;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Lepton.Benchmarks.Sync;

/// <summary>Synthetic records of a blind class, one of each subject: in clear, and sealed as the service seals them.
/// </summary>
internal sealed class SealedRecords : IDisposable
{
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly CipherCache _ciphers;

    public SealedRecords(int subjects, int valueBytes)
    {
        IOptions<SealingOptions> options = Options.Create(new SealingOptions());
        Keys = new BenchKeys(subjects);
        _ciphers = new CipherCache(Keys, options);
        Sealer = new RecordSealer(new BenchTopology(), new BlindingKey(RandomNumberGenerator.GetBytes(32)),
            new BodyCodec(options), _ciphers, Entropy.System,
            new SealingMetrics(_meters.GetRequiredService<IMeterFactory>()));
        Plain = [.. Enumerable.Range(0, subjects).Select(i => PlainOf(i, valueBytes))];
        Rows = [.. Plain.Select((p, i) => Sealer.Seal(p, Keys.All[i]))];
    }

    public BenchKeys Keys { get; }

    public RecordSealer Sealer { get; }

    public PlainRecord[] Plain { get; }

    public StoredRecord[] Rows { get; }

    public void Dispose()
    {
        _ciphers.Dispose();
        _meters.Dispose();
    }

    // Of another seed than the dictionaries'.
    private PlainRecord PlainOf(int number, int valueBytes)
    {
        Random chance = new(10_000 + number);
        byte[] value = [.. SyntheticRecords.Sample("json", chance), .. SyntheticRecords.Sample("json", chance)];
        while (value.Length < valueBytes)
            value = [.. value, .. SyntheticRecords.Sample("json", chance)];
        string key = $"orders/{number}";
        return new PlainRecord
        {
            Class = new ClassId(0), Slot = new SlotId(1), Tenant = "acme", Key = key,
            StoredKey = Sealer.StoredKey(new ClassId(0), "acme", key), Version = new RecordVersion(1, number + 1),
            Kind = RecordKind.Value, Value = value.AsMemory(0, valueBytes), RequestId = Guid.Empty,
        };
    }
}
