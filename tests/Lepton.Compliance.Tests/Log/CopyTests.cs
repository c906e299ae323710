using Lepton.Compliance.Audit.Copies;
using Lepton.Compliance.Audit.Retention;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Compliance.Tests.Log;

/// <summary>C4: copies, what a lost database gets back, what a crash leaves.</summary>
[Collection("audit-log")]
public sealed class CopyTests(AuditServer server)
{
    [Fact]
    public async Task Append_Acknowledged_IsInTheSecondZoneToo()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "eu-west/b"]);
        AuditHost a = world["eu-west/a"], b = world["eu-west/b"];

        for (int batch = 0; batch < 5; batch++)
        {
            ulong last = (await a.AppendAsync(AuditWorld.Events(300))).Sequence;
            Assert.True(await b.Services.GetRequiredService<CopyKeeper>().SizeAsync(a.Name, default) >= (long)last);
        }
        Assert.False(a.Services.GetRequiredService<CopyGate>().IsDegraded);
    }

    [Fact]
    public async Task Append_SecondZoneDead_GoesOnDegradedAndRecovers()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(
            server, ["eu-west/a", "eu-west/b"], new() { ["CopyTimeMax"] = "00:00:01" });
        AuditHost a = world["eu-west/a"], b = world["eu-west/b"];
        await b.StopAsync();

        await a.AppendAsync(AuditWorld.Events(10));
        CopyGate gate = a.Services.GetRequiredService<CopyGate>();
        Assert.True(gate.IsDegraded);
        await b.StartAsync();

        await AuditHost.EventuallyAsync(() => Task.FromResult(!gate.IsDegraded));
        Assert.Equal(10, await b.Services.GetRequiredService<CopyKeeper>().SizeAsync(a.Name, default));
    }

    [Fact]
    public async Task Start_DatabaseLost_ComesBackFromTheCopyWithItsHistory()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "eu-west/b", "us-east/a"]);
        AuditHost a = world["eu-west/a"];
        AuditEvent[] events = AuditWorld.Events(700);
        await a.AppendAsync(events);
        TreeHead before = await a.HeadAsync(witnesses: 2);
        await a.StopAsync();

        a.Database = await server.CreateDatabaseAsync();
        await a.StartAsync();
        await a.OpenAsync();

        Assert.Equal(700, a.Writer.Peaks.Size);
        Assert.Equal(before.Root.ToByteArray(), a.Writer.Peaks.Root());
        Assert.Equal(701UL, (await a.AppendAsync(events[5], AuditWorld.Event(701))).Sequence);
        await a.HeadAsync(witnesses: 2);
        Assert.All(world.Hosts, h => Assert.Empty(h.Alarms));
    }

    [Fact]
    public async Task Start_EmptyAndAPeerSilent_BeginsNoSecondHistory()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "eu-west/b"]);
        AuditHost a = world["eu-west/a"], b = world["eu-west/b"];
        await a.AppendAsync(AuditWorld.Events(10));
        await a.StopAsync();
        await b.StopAsync();
        a.Database = await server.CreateDatabaseAsync();

        await a.StartAsync();
        await AuditHost.EventuallyAsync(() => Task.FromResult(
            a.Writer.WhyClosed.Contains("cannot be asked", StringComparison.Ordinal)));
        Assert.False(a.Writer.IsOpen);
        await b.StartAsync();
        await a.OpenAsync();

        Assert.Equal(10, a.Writer.Peaks.Size);
    }

    [Fact]
    public async Task Append_ServerKilledAgainAndAgain_LosesNothingAndWritesNothingTwice()
    {
        AuditServer own = new();
        await own.InitializeAsync();
        try
        {
            await using AuditWorld world = await AuditWorld.StartAsync(own, ["eu-west/a"]);
            AuditHost host = world["eu-west/a"];
            List<AuditEvent> all = [];
            for (int round = 0; round < 3; round++)
            {
                Task crash = Task.CompletedTask;
                for (int batch = 0; batch < 10; batch++)
                {
                    AuditEvent[] events = AuditWorld.Events(50);
                    all.AddRange(events);
                    if (batch == 5)
                        crash = own.CrashAsync();
                    await AuditHost.EventuallyAsync(async () =>
                    {
                        try
                        {
                            await host.AppendAsync(events);
                            return true;
                        }
                        catch (Grpc.Core.RpcException e) when (e.StatusCode == Grpc.Core.StatusCode.Unavailable)
                        {
                            return false; // as a spool does
                        }
                    });
                }
                await crash;
            }

            Assert.Equal(all.Count, host.Writer.Peaks.Size);
            await host.Services.GetRequiredService<Lepton.Compliance.Audit.Checks.CheckWorker>().CheckAsync(default);
            Assert.Empty(host.Alarms);
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    public async Task Maintenance_MonthsOver_AreDroppedButForHoldsAndProofsStay()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(
            server, ["eu-west/a"], new() { ["KeepMonths"] = "1" });
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Events(300));
        TreeHead before = await host.HeadAsync();
        // The partition grows old at once: its rows go to a month of 2020.
        await host.SuperAsync(server, $"""
            CREATE TABLE audit_entries_202001 PARTITION OF audit_entries
                FOR VALUES FROM ('2020-01-01 00:00+00') TO ('2020-02-01 00:00+00');
            UPDATE audit_entries SET write_time = '2020-01-05 00:00+00' WHERE sequence <= 270;
            ALTER TABLE audit_entries_202001 OWNER TO compliance
            """);
        Maintenance maintenance = host.Services.GetRequiredService<Maintenance>();
        LegalHold hold = (await host.As("platform").PlaceHoldAsync(new PlaceHoldRequest
        {
            Hold = new LegalHold
            {
                CaseId = "case 7", Tenant = "demo",
                FromTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(
                    new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)),
                ToTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(
                    new DateTime(2020, 1, 9, 0, 0, 0, DateTimeKind.Utc)),
            },
        })).Hold;

        await maintenance.RunAsync(default);
        ListEntriesRequest first = new() { First = 1 };
        Assert.Equal(1UL, (await host.As("platform").ListEntriesAsync(first)).FirstKept);
        await host.As("platform").ReleaseHoldAsync(new ReleaseHoldRequest { HoldId = hold.HoldId });
        await maintenance.RunAsync(default);

        Assert.Equal(271UL, (await host.As("platform").ListEntriesAsync(first)).FirstKept);
        foreach (ulong sequence in (ulong[])[1, 256, 265, 271, 300])
        {
            GetInclusionProofResponse proof = await host.As("platform").GetInclusionProofAsync(
                new GetInclusionProofRequest { Sequence = sequence, Size = before.Size });
            Assert.True(MerkleTree.VerifyInclusion((long)sequence - 1, 300, proof.LeafHash.Span,
                [.. proof.Proof.Select(p => p.ToByteArray())], before.Root.Span));
        }
        await host.StopAsync();
        await host.StartAsync();
        await host.OpenAsync();
        Assert.Equal(301UL, (await host.AppendAsync(AuditWorld.Event(301))).Sequence);
        Assert.Empty(host.Alarms);
    }
}
