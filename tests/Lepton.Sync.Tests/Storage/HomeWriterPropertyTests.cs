using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using static Lepton.Sync.Tests.Storage.TestRecords;

namespace Lepton.Sync.Tests.Storage;

/// <summary>Drawn orders of writes, cancellations, commits and failures (S4): replayed by the seed.</summary>
public sealed class HomeWriterPropertyTests
{
    [Fact]
    public async Task WriteAsync_AnyOrderOfThings_OutcomesAreTrue()
    {
        for (int seed = 1; seed <= 200; seed++)
            await new Run(seed).PlayAsync();
    }

    [Fact]
    public async Task WriteAsync_TheSameSeed_TheSameHistory()
    {
        string first = await new Run(7).PlayAsync(), second = await new Run(7).PlayAsync();

        Assert.Equal(first, second);
    }

    private sealed class Run(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly GatedStore _store = new();
        private readonly List<(string Key, Task<HomeOutcome> Outcome, List<RecordVersion> Sealed)> _writes = [];
        private readonly List<CancellationTokenSource> _patience = [];

        /// <returns>The outcomes, as text.</returns>
        public async Task<string> PlayAsync()
        {
            await using TestStorage storage = new("", o =>
                (o.CommitConnections, o.BatchWritesMax, o.WritesWaitingMax) = (3, 4, 20), new Testing.MovableTime(
                    new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)));
            await using HomeWriter writer = storage.Writer(_store);
            for (int step = 0; step < 200; step++)
                GatedStore.Inline(() => Step(writer));
            while (_store.Batches.Count > 0)
                Check().LetThrough();
            List<HomeOutcome> outcomes = [];
            foreach ((_, Task<HomeOutcome> outcome, _) in _writes)
                outcomes.Add(await outcome.WaitAsync(TimeSpan.FromSeconds(30)));
            await JudgeAsync(outcomes);
            Assert.Equal(0, writer.Waiting);
            _patience.ForEach(p => p.Dispose());
            return string.Join(' ', outcomes.Select(o => $"{o.Kind}:{o.Version}"));
        }

        private void Step(HomeWriter writer)
        {
            switch (_random.Next(10))
            {
                case < 5:
                    Write(writer);
                    break;
                case 5 when _patience.Count > 0:
                    _patience[_random.Next(_patience.Count)].Cancel();
                    break;
                case 6 when _store.Batches.Count > 0:
                    Check().Fail(new DatabaseUnavailableException("down"));
                    break;
                case 7 when _store.Batches.Count > 0:
                    Check().Fail(new DatabaseOutcomeUnknownException("lost"), isDone: _random.Next(2) == 0);
                    break;
                case > 7 when _store.Batches.Count > 0:
                    Check().LetThrough();
                    break;
            }
        }

        private void Write(HomeWriter writer)
        {
            string key = $"k{_random.Next(6)}";
            List<RecordVersion> versions = [];
            CancellationTokenSource patience = new();
            if (_random.Next(3) == 0)
                _patience.Add(patience);
            WriteDraft draft = new()
            {
                Class = TestRecords.Class, Slot = Slot, Key = Key(key), Term = 1, Kind = RecordKind.Value, Bytes = 10,
                Seal = version =>
                {
                    versions.Add(version);
                    return Value(key, version);
                },
            };
            _writes.Add((key, writer.WriteAsync(draft, patience.Token), versions));
        }

        // A batch that is drawn; before it goes on, what holds of all that are under way.
        private GatedStore.GatedBatch Check()
        {
            Assert.True(_store.Batches.Count <= 3, $"seed {seed}: too many batches");
            Assert.All(_store.Batches, b => Assert.InRange(b.Writes.Count, 1, 4));
            string[] keys = [.. _store.Batches.SelectMany(b => b.Writes).Select(w => NaiveModel.KeyOf(w.Record))];
            Assert.True(keys.Length == keys.Distinct().Count(), $"seed {seed}: a key is under way twice");
            return _store.Batches[_random.Next(_store.Batches.Count)];
        }

        private async Task JudgeAsync(List<HomeOutcome> outcomes)
        {
            HashSet<RecordVersion> committed = [.. _store.History.Select(r => r.Version)];
            Dictionary<string, RecordVersion> last = [];
            for (int i = 0; i < outcomes.Count; i++)
            {
                (string key, _, List<RecordVersion> versions) = _writes[i];
                string at = $"seed {seed}, write {i}: {outcomes[i]}";
                Assert.True(versions.Count <= 1, at);
                RecordVersion version = versions.Count == 1 ? versions[0] : RecordVersion.None;
                bool isTrue = outcomes[i].Kind switch
                {
                    HomeOutcomeKind.Done => committed.Contains(version) && outcomes[i].Version == version,
                    HomeOutcomeKind.NotDone => !committed.Contains(version),
                    HomeOutcomeKind.Unknown => versions.Count == 1,
                    HomeOutcomeKind.Overloaded or HomeOutcomeKind.Cancelled => versions.Count == 0,
                    _ => false, // unconditional writes of one writer never conflict
                };
                Assert.True(isTrue, at);
                // In the order in which they came.
                Assert.True(version == RecordVersion.None || version > last.GetValueOrDefault(key), at);
                if (version != RecordVersion.None)
                    last[key] = version;
            }
            foreach (IGrouping<string, StoredRecord> rows in _store.History.GroupBy(NaiveModel.KeyOf))
                Assert.Equal(rows.Max(r => r.Version), (await _store.FindAsync(rows.Key))!.Version);
        }
    }
}
