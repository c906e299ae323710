using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Audit.People;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using AuditOptions = Lepton.Compliance.Audit.AuditOptions;

namespace Lepton.Compliance.Tests.Log;

/// <summary>C4: events in, durable, in order, once, provable.</summary>
[Collection("audit-log")]
public sealed class AppendTests(AuditServer server)
{
    [Fact]
    public async Task Append_Batches_AreInOrderOnceAndProven()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        AuditEvent[] events = AuditWorld.Events(700);

        Assert.Equal(700UL, (await host.AppendAsync(events)).Sequence);
        Assert.Equal(0UL, (await host.AppendAsync(events[..10])).Sequence);
        Assert.Equal(701UL, (await host.AppendAsync(events[0], AuditWorld.Event(701))).Sequence);

        TreeHead head = await host.HeadAsync();
        Assert.Equal(701UL, head.Size);
        foreach (ulong sequence in (ulong[])[1, 255, 256, 257, 512, 700, 701])
        {
            GetInclusionProofResponse proof = await host.As("platform").GetInclusionProofAsync(
                new GetInclusionProofRequest { Sequence = sequence });
            GetEntryResponse entry = await host.As("platform").GetEntryAsync(
                new GetEntryRequest { Sequence = sequence });
            Assert.True(MerkleTree.VerifyInclusion((long)sequence - 1, 701,
                MerkleTree.HashLeaf(entry.Entry.Entry.Span), [.. proof.Proof.Select(p => p.ToByteArray())],
                head.Root.Span));
            AuditEntry stored = AuditEntry.Parser.ParseFrom(entry.Entry.Entry);
            Assert.Equal(sequence, stored.Sequence);
            Assert.Equal($"change {sequence}", stored.Event.Message);
            // Canonical: writing it again gives the same bytes.
            Assert.Equal(entry.Entry.Entry, stored.ToByteString());
        }
    }

    [Fact]
    public async Task Append_AfterRestart_GoesOnAndKnowsItsEvents()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        AuditEvent[] events = AuditWorld.Events(300);
        await host.AppendAsync(events);
        TreeHead before = await host.HeadAsync();
        await host.StopAsync();

        await host.StartAsync();
        await host.OpenAsync();

        Assert.Equal(0UL, (await host.AppendAsync(events)).Sequence);
        Assert.Equal(301UL, (await host.AppendAsync(AuditWorld.Event(301))).Sequence);
        TreeHead after = await host.HeadAsync();
        GetConsistencyProofResponse proof = await host.As("platform").GetConsistencyProofAsync(
            new GetConsistencyProofRequest { FirstSize = before.Size });
        Assert.True(MerkleTree.VerifyConsistency((long)before.Size, before.Root.Span, (long)after.Size,
            after.Root.Span, [.. proof.Proof.Select(p => p.ToByteArray())]));
        Assert.Empty(host.Alarms);
    }

    [Fact]
    public async Task Append_BadField_IsRefusedByName()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        AuditEvent bad = AuditWorld.Event(1);
        bad.Actor.Address = "somewhere";

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => host.AppendAsync(AuditWorld.Event(2), bad));

        Assert.Equal("FIELD_INVALID", RpcErrors.ReasonOf(refused));
        Assert.Contains("events[1].actor.address", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(0, host.Writer.Peaks.Size);
    }

    [Fact]
    public async Task Append_SecondProcessOfTheLog_StaysClosed()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        await using Lepton.Compliance.Audit.Storage.AuditDatabase database = new(
            host.Services.GetRequiredService<IOptions<AuditOptions>>(),
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        await using Lepton.Compliance.Audit.Sequencing.LogWriter second =
            ActivatorUtilities.CreateInstance<Lepton.Compliance.Audit.Sequencing.LogWriter>(host.Services, database);

        var refused = await Assert.ThrowsAsync<Lepton.Compliance.Audit.Storage.LogUnavailableException>(
            () => second.ConnectAsync(default));

        Assert.Contains("Another process", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetEntry_OtherTenant_SeesTheHashOnly()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a"]);
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Event(1, "demo"), AuditWorld.Event(2, "harbour-bank"));

        ListEntriesResponse listed = await host.As("demo").ListEntriesAsync(new ListEntriesRequest { First = 1 });
        RpcException hidden = await Assert.ThrowsAsync<RpcException>(async () =>
            await host.As("demo").GetEntryAsync(new GetEntryRequest { Sequence = 2 }));

        Assert.Equal([false, true], listed.Entries.Select(e => e.Entry.IsEmpty));
        Assert.All(listed.Entries, e => Assert.Equal(32, e.LeafHash.Length));
        Assert.Equal("ENTRY_UNKNOWN", RpcErrors.ReasonOf(hidden));
    }

    [Fact]
    public async Task EraseSubject_Person_IsUnreadableAndEveryProofStays()
    {
        await using AuditWorld world = await AuditWorld.StartAsync(server, ["eu-west/a", "eu-west/b"]);
        AuditHost host = world["eu-west/a"];
        await host.AppendAsync(AuditWorld.Events(20));
        TreeHead before = await host.HeadAsync();
        PersonKeys keys = host.Services.GetRequiredService<PersonKeys>();
        PersonKeys others = world["eu-west/b"].Services.GetRequiredService<PersonKeys>();
        PersonHandle person = keys.HandleOf("demo", "patient-7");
        AuditEntry entry = AuditEntry.Parser.ParseFrom((await host.As("platform").GetEntryAsync(
            new GetEntryRequest { Sequence = 5 })).Entry.Entry);
        PersonKey key = keys.Find(new Guid(entry.Subject.KeyId.Span, bigEndian: true))!;
        Assert.Equal("patient-7"u8.ToArray(), key.Open(entry.Subject, "subject"u8));
        Assert.DoesNotContain("patient-7", entry.ToString(), StringComparison.Ordinal);
        Assert.NotEmpty(others.Of(person)); // went there with the copy

        SubjectErasure erasure = (await host.As("platform").EraseSubjectAsync(
            new EraseSubjectRequest { Tenant = "demo", Subject = "patient-7" })).Erasure;

        await AuditHost.EventuallyAsync(async () =>
            (await host.As("platform").GetSubjectErasureAsync(
                new GetSubjectErasureRequest { ErasureId = erasure.ErasureId })).Erasure.Receipts.All(r => !r.Pending));
        Assert.Empty(keys.Of(person));
        Assert.Empty(others.Of(person));
        Assert.Null(key.Open(entry.Subject, "subject"u8));
        await host.StopAsync();
        await host.StartAsync();
        await host.OpenAsync();
        Assert.Empty(host.Services.GetRequiredService<PersonKeys>().Of(person));
        GetInclusionProofResponse proof = await host.As("platform").GetInclusionProofAsync(
            new GetInclusionProofRequest { Sequence = 5, Size = before.Size });
        Assert.True(MerkleTree.VerifyInclusion(4, (long)before.Size, proof.LeafHash.Span,
            [.. proof.Proof.Select(p => p.ToByteArray())], before.Root.Span));
        Assert.Empty(host.Alarms);
    }
}
