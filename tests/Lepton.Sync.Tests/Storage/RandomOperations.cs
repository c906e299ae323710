using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>Drawn operations on a store and on <see cref="NaiveModel"/>, which answer alike at every step.</summary>
internal sealed class RandomOperations(IRecordStore store, int seed)
{
    private const int Keys = 12;

    private readonly Random _random = new(seed);
    private readonly NaiveModel _model = new();
    private long _clock = 1000;
    private long _term = 1;

    public async Task RunAsync(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            string what = await StepAsync();
            IReadOnlyList<StoredRecord> rows = await store.ScanAsync(
                new ScanRange(TestRecords.Class, null, default, default, Tombstones: true), 100, default);
            Assert.True(
                rows.Count == _model.Rows.Count() && rows.Zip(_model.Rows).All(p => p.First.IsSame(p.Second)),
                $"seed {seed}, step {step}: rows differ after {what}");
            Assert.True(
                _model.Progress.SequenceEqual(await store.ReadProgressAsync(default)),
                $"seed {seed}, step {step}: progress differs after {what}");
        }
    }

    private async Task<string> StepAsync()
    {
        switch (_random.Next(12))
        {
            case < 6:
                HomeWrite[] writes = [.. SomeKeys().Select(Write)];
                IReadOnlyList<HomeWriteResult> results = (await store.WriteAsync(writes, default)).Results;
                Require(_model.Write(writes).SequenceEqual(results), "writes");
                return "writes";
            case < 9:
                StoredRecord[] records = [.. SomeKeys().Concat(SomeKeys()).Select(Record)];
                SourceProgress progress = new(new NodeId((short)_random.Next(2)), _random.Next(10) == 0 ? "u" : "t",
                    new LogPosition((ulong)_random.Next(100)));
                await store.ApplyAsync(progress, records, default);
                _model.Apply(progress, records);
                return "changes applied";
            case 9:
                SlotId slot = new((short)_random.Next(3));
                long before = _clock - _random.Next(20);
                Require(await store.DropTombstonesAsync(TestRecords.Class, [slot], before, 100, default)
                    == _model.DropTombstones(slot, before), "tombstones dropped");
                return "tombstones dropped";
            case 10:
                await ReplaceAsync(new SlotId((short)_random.Next(3)));
                return "a slot replaced";
            default:
                await ReadAsync();
                return "reads";
        }
    }

    // The new home has some of our rows, older ones of others, and its own.
    private async Task ReplaceAsync(SlotId slot)
    {
        _term++;
        StoredRecord[] rows = [.. Enumerable.Range(0, Keys).Where(k => k % 3 == slot.Value && _random.Next(3) > 0)
            .Select(k => _model.Find(Name(k)) is { } ours && _random.Next(2) == 0 ? ours : Record(Name(k)))];
        Require(await store.ReplaceSlotAsync(TestRecords.Class, slot, rows, default)
            == _model.Replace(slot, rows), "a slot replaced");
    }

    private async Task ReadAsync()
    {
        string prefix = _random.Next(2) == 0 ? "" : "k1";
        string after = _random.Next(2) == 0 ? "" : Name(_random.Next(Keys));
        SlotId[]? slots = _random.Next(2) == 0 ? null : [new((short)_random.Next(3))];
        int limit = _random.Next(1, 5);
        string[] expected = [.. _model.Rows.Where(r => r.Kind == RecordKind.Value
            && (slots is null || slots.Contains(r.Slot))).Select(NaiveModel.KeyOf)
            .Where(k => k.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(k, after) > 0)
            .Take(limit)];
        string[] found = await store.KeysAsync(prefix, after, limit: limit, slots: slots);
        Require(expected.SequenceEqual(found), "a scan");
        string[] names = [.. SomeKeys()];
        IReadOnlyList<StoredRecord?> read = await store.ReadAsync(
            TestRecords.Class, [.. names.Select(n => Key(n))], default);
        Require(read.Zip(names).All(p => p.First.IsSame(_model.Find(p.Second))), "a read");
    }

    private HomeWrite Write(string key)
    {
        StoredRecord? row = _model.Find(key);
        return new HomeWrite(Record(key), _random.Next(4) switch
        {
            0 => RecordVersion.None,
            1 => row?.Version ?? Version(5),
            2 => Version(_clock - 3, _term),
            _ => null,
        });
    }

    private StoredRecord Record(string key)
    {
        // Mostly newer than all; at times older, and of an earlier term.
        long clock = _random.Next(5) == 0 ? _clock - _random.Next(30) : ++_clock;
        RecordVersion version = Version(clock, Math.Max(1, _term - (_random.Next(8) == 0 ? 1 : 0)));
        Guid request = _random.Next(3) == 0 ? new Guid(_random.Next(4) + 1, 0, 0, new byte[8]) : Guid.Empty;
        short slot = (short)(int.Parse(key[1..], System.Globalization.CultureInfo.InvariantCulture) % 3);
        return _random.Next(4) == 0
            ? Tombstone(key, version, request, slot)
            : Value(key, version, $"body {_random.Next(1000)}", request, slot);
    }

    private string[] SomeKeys()
    {
        int[] keys = [.. Enumerable.Range(0, Keys)];
        _random.Shuffle(keys);
        return [.. keys.Take(_random.Next(1, 6)).Select(Name)];
    }

    private static string Name(int key) => $"k{key}";

    private void Require(bool holds, string what) => Assert.True(holds, $"seed {seed}: {what} differ");
}
