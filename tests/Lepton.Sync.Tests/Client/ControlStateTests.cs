using Lepton.Sync.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Lepton.Sync.Tests.Client;

/// <summary>C2, P3: the last good control data goes on through bad records, cut-offs and restarts, and says how old it
/// is.</summary>
public sealed class ControlStateTests : IDisposable
{
    private const string Key = "control/test";
    private readonly ClientWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void Offer_Newer_IsInUseAtOnce()
    {
        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);
        Assert.Equal("seed", record.Current.Text);

        state.Offer(Key, _world.Sign(Key, 2, "2:two"));

        Assert.Equal("two", record.Current.Text);
        Assert.Equal(1, _world.Counted("lepton.control.records control/test taken"));
    }

    [Theory]
    [InlineData(3, "3:older", "is older than 4")]
    [InlineData(4, "4:another", "with another content")]
    [InlineData(5, "nonsense", "takes VERSION:TEXT")]
    [InlineData(5, "6:six", "says version 6 and is signed as version 5")]
    public void Offer_Bad_IsRefusedCountedAndWhatWasGoesOn(long version, string content, string why)
    {
        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);
        state.Offer(Key, _world.Sign(Key, 4, "4:good"));

        state.Offer(Key, _world.Sign(Key, version, content));

        Assert.Equal("good", record.Current.Text);
        Assert.Contains(why, Assert.Single(state.Refused).Value, StringComparison.Ordinal);
        Assert.Equal(1, _world.Counted("lepton.control.records control/test refused"));
        // What is good again ends it; so does the very one that is in use.
        state.Offer(Key, _world.Sign(Key, 4, "4:good"));
        Assert.Empty(state.Refused);
        state.Offer(Key, _world.Sign(Key, 7, "7:seven"));
        Assert.Equal("seven", record.Current.Text);
    }

    [Theory]
    [InlineData("1.3.6.1.4.1.59999.1.4", true)] // a region's role signer, for its own record
    [InlineData(SignedContent.KeyUsage, true)] // the owner's
    [InlineData("1.3.6.1.4.1.59999.1.1", false)]
    public void Offer_OfATargetWithItsOwnSigners_IsTakenFromThoseAlone(string usage, bool taken)
    {
        OwnSigners own = new();
        ControlRecord<TestValue> others = TestValue.Record();
        ControlState state = _world.Start(own, others);

        state.Offer(own.Key, _world.Sign(own.Key, 2, "2:two", usage));
        state.Offer(Key, _world.Sign(Key, 2, "2:two", "1.3.6.1.4.1.59999.1.4"));

        Assert.Equal(taken ? 2 : 0, own.Version);
        Assert.Equal("seed", others.Current.Text); // a role signer signs roles and nothing else
    }

    private sealed class OwnSigners() : ControlTarget("control/own")
    {
        private long _version;

        public override IReadOnlyList<string> SignerUses => ["1.3.6.1.4.1.59999.1.4", SignedContent.KeyUsage];

        public override long Version => _version;

        protected override void Use(SignedContent content) => _version = content.Version;
    }

    [Fact]
    public void Offer_Forged_IsRefused()
    {
        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);
        using ClientWorld other = new();

        state.Offer(Key, other.Sign(Key, 9, "9:forged"));

        Assert.Equal("seed", record.Current.Text);
        Assert.Single(state.Refused);
    }

    [Fact]
    public void OfferDeleted_ChangesNothingAndIsSaid()
    {
        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);
        state.Offer(Key, _world.Sign(Key, 2, "2:two"));

        state.OfferDeleted(Key);

        Assert.Equal("two", record.Current.Text);
        Assert.Equal(1, _world.Counted("lepton.control.records control/test deleted"));
    }

    [Fact]
    public void Offer_NotNewerThanTheSeed_SeedStays()
    {
        ControlRecord<TestValue> record = TestValue.Record(seed: 5);
        ControlState state = _world.Start(record);

        state.Offer(Key, _world.Sign(Key, 4, "4:four"));

        Assert.Equal("seed", record.Current.Text);
        Assert.Empty(state.Refused); // the file is ahead: no fault
        state.Offer(Key, _world.Sign(Key, 6, "6:six"));
        Assert.Equal("six", record.Current.Text);
    }

    [Fact]
    public void Start_AfterACutAndARestart_GoesOnByTheSnapshotWithItsAge()
    {
        ControlState before = _world.Start(TestValue.Record());
        before.Offer(Key, _world.Sign(Key, 2, "2:two"));
        before.Confirm(_world.Time.GetUtcNow());
        before.SaveLast();
        _world.Time.Advance(TimeSpan.FromHours(3));

        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);

        Assert.Equal("two", record.Current.Text);
        Assert.Equal(TimeSpan.FromHours(3), state.Age);
        // An older one, which a store that was restored may hold, is not taken.
        state.Offer(Key, _world.Sign(Key, 1, "1:one"));
        Assert.Equal("two", record.Current.Text);
        Assert.Contains("is older than 2", Assert.Single(state.Refused).Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "damaged")]
    [InlineData("""{ "format": 9, "records": {} }""", "of another format")]
    [InlineData("""{ "format": 1, "records": { "control/test": "a.b.c" } }""", "forged")]
    public void Start_SnapshotBad_BeginsWithTheSeedAndCounts(string content, string what)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_world.Options.SnapshotFile)!);
        File.WriteAllText(_world.Options.SnapshotFile, content);

        ControlRecord<TestValue> record = TestValue.Record();
        _world.Start(record);

        Assert.Equal("seed", record.Current.Text);
        Assert.True(_world.Counted("lepton.control.snapshot.failures verify") == 1, what);
    }

    [Fact]
    public void Start_SnapshotOfAnotherInstallation_IsNotTaken()
    {
        using ClientWorld other = new();
        other.Start(TestValue.Record()).Offer(Key, other.Sign(Key, 9, "9:theirs"));
        Directory.CreateDirectory(Path.GetDirectoryName(_world.Options.SnapshotFile)!);
        File.Copy(other.Options.SnapshotFile, _world.Options.SnapshotFile);

        ControlRecord<TestValue> record = TestValue.Record();
        _world.Start(record);

        Assert.Equal("seed", record.Current.Text);
        Assert.Equal(1, _world.Counted("lepton.control.snapshot.failures verify"));
    }

    [Fact]
    public void Offer_SnapshotCannotBeWritten_IsTakenAndCounted()
    {
        Directory.CreateDirectory(_world.Options.SnapshotFile + ".new"); // in the way
        ControlRecord<TestValue> record = TestValue.Record();

        _world.Start(record).Offer(Key, _world.Sign(Key, 2, "2:two"));

        Assert.Equal("two", record.Current.Text);
        Assert.Equal(1, _world.Counted("lepton.control.snapshot.failures write"));
    }

    [Fact]
    public async Task Health_ByAgeAndRefusals_IsDegradedAndSaysWhy()
    {
        ControlState state = _world.Start(TestValue.Record());
        using ControlFollower follower = _world.Follow(state);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(follower)).Status);

        _world.Time.Advance(TimeSpan.FromSeconds(61));
        HealthCheckResult old = await CheckAsync(follower);
        Assert.Equal(HealthStatus.Degraded, old.Status);
        Assert.Contains("for 61 s", old.Description, StringComparison.Ordinal);

        state.Confirm(_world.Time.GetUtcNow());
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(follower)).Status);

        state.Offer(Key, _world.Sign(Key, 2, "nonsense"));
        HealthCheckResult refused = await CheckAsync(follower);
        Assert.Equal(HealthStatus.Degraded, refused.Status);
        Assert.Contains("takes VERSION:TEXT", refused.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void IsTooOld_WithAndWithoutAMaximum()
    {
        ControlState state = _world.Start(TestValue.Record());
        _world.Time.Advance(TimeSpan.FromDays(400));
        Assert.False(state.IsTooOld);

        _world.Options.AgeMax = TimeSpan.FromDays(1);

        Assert.True(state.IsTooOld);
        state.Confirm(_world.Time.GetUtcNow());
        Assert.False(state.IsTooOld);
    }

    [Fact]
    public async Task Follow_RecordsCome_AreTakenAndConfirmed()
    {
        ControlRecord<TestValue> record = TestValue.Record();
        ControlState state = _world.Start(record);
        _world.Nodes.Put(Key, _world.Sign(Key, 2, "2:two"));
        _world.Nodes.Put("control/of-another-service", "nothing signed");
        using ControlFollower follower = _world.Follow(state);
        await follower.StartAsync(default);
        await UntilAsync(() => record.Current.Text == "two");

        _world.Nodes.Put(Key, _world.Sign(Key, 3, "3:three"));

        await UntilAsync(() => record.Current.Text == "three");
        await follower.StopAsync(default);
        Assert.Empty(state.Refused);
        Assert.True(File.Exists(_world.Options.SnapshotFile));
    }

    private static Task<HealthCheckResult> CheckAsync(ControlFollower follower) =>
        follower.CheckHealthAsync(new HealthCheckContext());

    private static Task UntilAsync(Func<bool> holds) => World.Calls.EventuallyAsync(() => Task.FromResult(holds()));
}
