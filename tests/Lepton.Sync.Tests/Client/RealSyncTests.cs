using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Lepton.Sync.Client;
using Lepton.Sync.Tests.World;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Xunit.Abstractions;

namespace Lepton.Sync.Tests.Client;

/// <summary>C2, P3, S4, S8: a service's client against real nodes, over mutual TLS and real PostgreSQL.</summary>
[Collection("postgres")]
[Trait("Category", "Long")] // with real servers: minutes
public sealed class RealSyncTests(SyncServer server, ITestOutputHelper output)
{
    private const string Key = "control/test";

    [Fact]
    public async Task Records_OverRealNodes_AreWrittenReadAndFollowed()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["us-east-a", "eu-west-a"]);
        await using ClientHost host = await ClientHost.StartAsync(world, world.Keepers.Reverse(), "typed.json");
        IRecordCodec<StringValue> codec = RecordCodec.Protobuf(StringValue.Parser);
        using CancellationTokenSource patience = new(Calls.Patience);

        var first = Assert.IsType<WriteOutcome.Done>(
            await host.Records.PutAsync("prices/a", new StringValue { Value = "1" }, codec, "0"));
        Assert.IsType<WriteOutcome.Conflict>(
            await host.Records.PutAsync("prices/a", new StringValue { Value = "2" }, codec, "0"));
        var again = Assert.IsType<WriteOutcome.Done>(await host.Records.PutAsync(
            "prices/b", new StringValue { Value = "b" }, codec, requestId: Guid.Parse(
                "0197f2c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f")));
        var repeated = Assert.IsType<WriteOutcome.Done>(await host.Records.PutAsync(
            "prices/b", new StringValue { Value = "b" }, codec, requestId: Guid.Parse(
                "0197f2c0-a1b2-7c3d-8e4f-5a6b7c8d9e0f")));
        Assert.Equal((again.Version, true), (repeated.Version, repeated.Repeated));

        GlobalRecord<StringValue>? read = await host.Records.GetAsync("prices/a", codec);
        Assert.Equal(("1", first.Version), (read?.Value.Value, read?.Version));
        Assert.Null(await host.Records.GetAsync("prices/none", codec));
        await Calls.EventuallyAsync(async () =>
            (await host.Records.GetAsync("prices/a", codec, local: true))?.StalenessMax is not null);

        List<string> seen = [];
        await foreach (RecordChange<StringValue> change in host.Records.WatchAsync("prices/", codec, patience.Token))
        {
            seen.Add(change.IsDeleted ? $"{change.Key} gone" : $"{change.Key}={change.Value!.Value}");
            if (seen.Count == 2)
                await host.Records.PutAsync("prices/a", new StringValue { Value = "3" }, codec, first.Version);
            else if (seen.Count == 3)
                await host.Records.DeleteAsync("prices/b");
            else if (seen.Count == 4)
                break;
        }
        Assert.Equal(["prices/a=1", "prices/b=b", "prices/a=3", "prices/b gone"], seen);
    }

    [Fact]
    public async Task ControlData_ThroughALostNodeACutAndARestart_GoesOnAndForward()
    {
        await using TestSync world = await TestSync.StartAsync(server, ["us-east-a", "eu-west-a"]);
        TestKeeper east = world["us-east-a"], west = world["eu-west-a"];
        Dictionary<string, string?> quick = new() { ["SyncClient:AgeWarning"] = "00:00:10" };
        await using (ClientHost host = await ClientHost.StartAsync(world, [west, east], "control.json", quick))
        {
            Assert.Equal("seed", host.Record.Current.Text);
            await TakenAsync(world, host, 2, "two");
            await PublishAsync(world, host, ControlData.AccessKey, 2,
                """{ "version": 2, "assignments": [], "tenants": {} }""");
            await Calls.EventuallyAsync(() => Task.FromResult(host.Access.Current.Version == 2));

            // Forged by who may write records and has no signing key: nothing changes, and it is said.
            await host.Records.PutAsync<ReadOnlyMemory<byte>>(
                Key, Encoding.UTF8.GetBytes("3:forged"), RecordCodec.Bytes);
            await Calls.EventuallyAsync(async () => (await host.HealthAsync()).Status == HealthStatus.Degraded);
            Assert.Equal("two", host.Record.Current.Text);
            await TakenAsync(world, host, 3, "three");

            await west.StopAsync(); // the one that is followed
            await TakenAsync(world, host, 4, "four");
        }

        await east.StopAsync();
        await using ClientHost alone = await ClientHost.StartAsync(world, [west, east], "control.json", quick);

        Assert.Equal("four", alone.Record.Current.Text);
        Assert.Equal(2, alone.Access.Current.Version);
        await Calls.EventuallyAsync(async () =>
            (await alone.HealthAsync()).Description?.Contains("Not confirmed", StringComparison.Ordinal) == true);
        Assert.Equal(HealthStatus.Degraded, (await alone.HealthAsync()).Status);
        Assert.True(alone.State.Age > TimeSpan.FromSeconds(10));

        await Task.WhenAll(east.StartAsync(), west.StartAsync());
        await TakenAsync(world, alone, 5, "five");
        await Calls.EventuallyAsync(async () => (await alone.HealthAsync()).Status == HealthStatus.Healthy);
    }

    private async Task TakenAsync(TestSync world, ClientHost host, long version, string text)
    {
        Stopwatch watch = Stopwatch.StartNew();
        await PublishAsync(world, host, Key, version, $"{version}:{text}");
        TimeSpan published = watch.Elapsed;
        await Calls.EventuallyAsync(() => Task.FromResult(host.Record.Current.Text == text));
        output.WriteLine($"version {version}: written after {published.TotalMilliseconds:F0} ms, in use after "
            + $"{watch.Elapsed.TotalMilliseconds:F0} ms");
    }

    private static async Task PublishAsync(TestSync world, ClientHost host, string key, long version, string content)
    {
        (string certificate, string privateKey) = world.Installation.Issue(
            "signer", "spiffe://lepton.local/access", [SignedContent.KeyUsage]);
        using var signer = X509Certificate2.CreateFromPemFile(certificate, privateKey);
        SignedContent signed = SignedContent.Sign(
            key, version, Encoding.UTF8.GetBytes(content), signer, DateTimeOffset.UtcNow);
        // A node that was just lost may leave it unknown: the same again, until it is known.
        Guid id = Guid.NewGuid();
        await Calls.EventuallyAsync(async () =>
            await host.Records.PutAsync(key, signed.Jws, RecordCodec.Bytes, requestId: id)
                is WriteOutcome.Done or WriteOutcome.Unconfirmed);
    }
}
