using System.Text.Json.Nodes;
using Google.Rpc;
using Grpc.Core;
using Lepton.Compliance.Client;
using Lepton.Compliance.Client.Law;
using Lepton.Compliance.Policies;
using Lepton.Compliance.Tests.Law;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;

namespace Lepton.Compliance.Tests.Policies;

/// <summary>C3: two people, a check, a pilot, and a way back.</summary>
public sealed class PolicyBookTests : IDisposable
{
    private readonly BookWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Submit_GoodPolicy_IsADraftWithItsDifference()
    {
        var submitted = await _world.SubmitAsync(BookWorld.Anna, 5, p =>
            p["tenants"]!["demo"]!["floor"] = "eu-personal");

        Assert.False(submitted.Record.IsApproved);
        Assert.Equal(("tenant/anna", 5L), (submitted.Record.Author, submitted.Record.Version));
        Assert.Equal(new FloorChange("tenant", "demo", "public", "eu-personal"),
            Assert.Single(submitted.Difference.Floors));
        Assert.Equal([5L, 4L], await _world.Book.VersionsAsync(default));
        Assert.Equal(["policy.submit policies/5 begun Succeeded", "policy.submit policies/5 ended Succeeded"],
            _world.Audit.Lines);
    }

    [Fact]
    public async Task Submit_BrokenInvariant_IsRefusedWithTheCounterexampleAndNotKept()
    {
        var e = await Refused("POLICY_CHECK_FAILED", () => _world.SubmitAsync(BookWorld.Anna, 5, p =>
            p.Regime("eu-gdpr").Rule("safeguards").Remove("conditions")));

        var violations = RpcErrors.DetailsOf(e)!.Details.Single(d => d.Is(PreconditionFailure.Descriptor))
            .Unpack<PreconditionFailure>().Violations;
        Assert.Contains(violations, v => v is { Type: "INVARIANT", Subject: "eu-personal-stays" }
            && v.Description.Contains("with no safeguard", StringComparison.Ordinal));
        Assert.Equal([4L], await _world.Book.VersionsAsync(default));
        Assert.Equal("policy.submit policies/5 ended Denied POLICY_CHECK_FAILED", _world.Audit.Lines.Last());
    }

    [Fact]
    public async Task Submit_AgainWithAnotherContentOrAnOldNumber_IsRefused()
    {
        await _world.SubmitAsync(BookWorld.Anna, 5);
        await _world.SubmitAsync(BookWorld.Anna, 5); // the same: a repetition
        await Refused("POLICY_VERSION_TAKEN", () => _world.SubmitAsync(BookWorld.Anna, 5, p =>
            p["tenants"]!["new"] = new JsonObject { ["floor"] = "public" }));
        await Refused("POLICY_VERSION_TAKEN", () => _world.SubmitAsync(BookWorld.Anna, 3));
    }

    [Fact]
    public async Task Submit_SignedForAnotherRecordOrByNobodyKnown_IsRefused()
    {
        await Refused("POLICY_SIGNATURE_INVALID", () => _world.Book.SubmitAsync(BookWorld.Anna,
            _world.Sign(ControlData.PolicyKey, 5, BookWorld.Version(5)), "", default));
        using BookWorld other = new();
        await Refused("POLICY_SIGNATURE_INVALID", () => _world.Book.SubmitAsync(BookWorld.Anna,
            other.Sign("policies/5", 5, BookWorld.Version(5)), "", default));
        await Refused("POLICY_SIGNATURE_INVALID", () => _world.Book.SubmitAsync(BookWorld.Anna,
            "{}"u8.ToArray(), "", default));
    }

    [Fact]
    public async Task Approve_OnesOwn_IsRefusedAndInTheAuditLog()
    {
        var submitted = await _world.SubmitAsync(BookWorld.Anna, 5);

        await Refused("OWN_APPROVAL", () => _world.Book.ApproveAsync(
            BookWorld.Anna, 5, submitted.Record.Digest, default));

        Assert.False((await _world.Book.FindAsync(5, default)).IsApproved);
        Assert.Equal("policy.approve policies/5 ended Denied OWN_APPROVAL", _world.Audit.Lines.Last());
        await Refused("POLICY_CHANGED", () => _world.Book.ApproveAsync(BookWorld.Bert, 5, "sha256:00", default));
        Assert.True((await _world.Book.ApproveAsync(
            BookWorld.Bert, 5, submitted.Record.Digest, default)).IsApproved);
    }

    [Fact]
    public async Task Activate_NotApproved_IsRefused()
    {
        await _world.SubmitAsync(BookWorld.Anna, 5);
        // Whoever holds the signer's key may claim an approval; the book knows better.
        var order = await _world.OrderAsync(6, ("*", 4), ("eu-west", 5));
        var claimed = order with
        {
            Approvals = order.Approvals.ToDictionary(a => a.Key,
                a => a.Key == 5 ? a.Value with { Approver = "tenant/bert" } : a.Value),
        };
        await Refused("POLICY_NOT_APPROVED", () => _world.Book.ActivateAsync(
            BookWorld.Bert, _world.Sign(ControlData.PolicyKey, 6, claimed.Write()), default));
    }

    [Fact]
    public async Task Activate_PilotThenEverywhereThenBack_EachRegionGoesByItsOwn()
    {
        await _world.SubmitAndApproveAsync(5, p => p["dataClasses"]!["public"]!["regions"] = new JsonArray("eu-west"));
        await Refused("PILOT_REQUIRED", () => _world.ActivateAsync(("*", 5)));

        var pilot = await _world.ActivateAsync(("*", 4), ("eu-west", 5));
        Assert.Equal((5L, 4L), (await Follow("eu-west"), await Follow("us-east")));

        var all = await _world.ActivateAsync(("*", 5));
        Assert.Equal((5L, 5L), (await Follow("eu-west"), await Follow("us-east")));
        Assert.Equal(4L, (await _world.Book.BeforeAsync(default))["*"]);

        var back = await _world.ActivateAsync(("*", 4)); // was everywhere: at once
        Assert.Equal((4L, 4L), (await Follow("eu-west"), await Follow("us-east")));
        Assert.Equal([5L, 6L, 7L], [pilot.Version, all.Version, back.Version]);
        Assert.Equal([5L, 4L], await _world.Book.VersionsAsync(default));
    }

    [Fact]
    public async Task Activate_PilotTooShort_WaitsForItsTime()
    {
        using BookWorld world = new(TimeSpan.FromHours(1));
        await world.SubmitAndApproveAsync(5);
        await world.ActivateAsync(("*", 4), ("eu-west", 5));
        world.Time.Advance(TimeSpan.FromMinutes(59));
        await Refused("PILOT_REQUIRED", () => world.ActivateAsync(("*", 5)));
        world.Time.Advance(TimeSpan.FromMinutes(1));
        await world.ActivateAsync(("*", 5));
    }

    [Fact]
    public async Task Activate_OrderThatGoesBack_IsStale()
    {
        await _world.SubmitAndApproveAsync(5);
        var first = await _world.OrderAsync(5, ("*", 4), ("eu-west", 5));
        await _world.ActivateAsync(("*", 4), ("us-east", 5));
        await Refused("ORDER_STALE", () => _world.Book.ActivateAsync(
            BookWorld.Bert, _world.Sign(ControlData.PolicyKey, 5, first.Write()), default));
    }

    [Fact]
    public async Task Anything_AuditLogFull_IsNotDone()
    {
        _world.Audit.IsFull = true;
        await Refused("AUDIT_UNAVAILABLE", () => _world.SubmitAsync(BookWorld.Anna, 5));
        _world.Audit.IsFull = false;
        Assert.Equal([4L], await _world.Book.VersionsAsync(default));
    }

    [Fact]
    public async Task Replay_ByTheVersionThatDecided_IsTheSame_AndAChangedOneIsFound()
    {
        await _world.SubmitAndApproveAsync(5, p => p["dataClasses"]!["public"]!["regions"] = new JsonArray("eu-west"));
        await _world.ActivateAsync(("*", 4), ("eu-west", 5));
        var five = await _world.Book.FindAsync(5, default);
        PastDecision by4 = new("a", "demo", "ocr", "public", _world.Time.GetUtcNow(), 4, Shipped.Policy.Digest,
            ["ap-southeast", "eu-west", "us-east"]);
        PastDecision by5 = by4 with
        {
            Id = "b", PolicyVersion = 5, PolicyDigest = five.Digest, AllowedRegions = ["eu-west"],
        };

        Assert.Empty(await _world.Past.ReplayAsync([by4, by5], default));

        var forged = await _world.Past.ReplayAsync(
            [by5 with { AllowedRegions = ["eu-west", "us-east"] }, by4 with { PolicyDigest = "sha256:00" }], default);
        Assert.Equal(["b", "a"], forged.Select(d => d.Id));
        Assert.Contains("us-east: class.public", forged[0].Why, StringComparison.Ordinal);
        Assert.Contains("had digest sha256:00", forged[1].Why, StringComparison.Ordinal);
        await Refused("POLICY_UNKNOWN", () => _world.Past.ReplayAsync([by4 with { PolicyVersion = 9 }], default));
    }

    [Fact]
    public async Task Replay_OpenClassOnAPlatformOfTwoRegions_GoesByThePlatformsRegions()
    {
        using BookWorld world = new(default, "us-east", "eu-west");
        PastDecision open = new("a", "demo", "ocr", "public", world.Time.GetUtcNow(), 4, Shipped.Policy.Digest,
            ["eu-west", "us-east"]);

        Assert.Empty(await world.Past.ReplayAsync([open], default));
        Assert.Contains("ap-southeast", Assert.Single(await _world.Past.ReplayAsync([open], default)).Is);
    }

    [Fact]
    public async Task Simulate_UnderANarrowerVersion_SaysWhatWouldBeLostAndWhy()
    {
        await _world.SubmitAsync(BookWorld.Anna, 5, p =>
        {
            p["safeguards"]!.AsArray().RemoveAt(0); // no clauses for payment data any more
            p["tests"]!.AsArray().RemoveAt(3);
        });
        PastDecision bank = new("a", "harbour-bank", "ocr", "atlantic-finance", _world.Time.GetUtcNow(), 4,
            Shipped.Policy.Digest, ["eu-west", "us-east"]);
        PastDecision clinic = bank with
        {
            Id = "b", Tenant = "lakeside-clinic", DataClass = "us-health", AllowedRegions = ["us-east"],
        };

        var changed = Assert.Single(await _world.Past.SimulateAsync(5, [bank, clinic], default));

        Assert.Equal(("a", "eu-west"), (changed.Id, Assert.Single(changed.Is)));
        Assert.Contains("us-east: eu-gdpr.data-privacy-framework", changed.Why, StringComparison.Ordinal);
    }

    // As a router, a node or Sync in that region follows the record.
    private async Task<long> Follow(string region)
    {
        var jws = (await _world.Store.ActiveAsync(default)).Value!;
        ControlRecord<ResidencyPolicy> record = new(ControlData.PolicyKey, Shipped.Policy, p => p.Order,
            (now, json) => now.Next(json, Shipped.World, region));
        var parts = System.Text.Encoding.ASCII.GetString(jws).Split('.');
        var content = System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]);
        record.Take(new SignedContent(
            record.Key, SignedContent.PeekVersion(jws)!.Value, DateTimeOffset.UnixEpoch, content, jws));
        return record.Current.Version;
    }

    private static async Task<RpcException> Refused(string reason, Func<Task> work)
    {
        var e = await Assert.ThrowsAsync<RpcException>(work);
        Assert.Equal(reason, RpcErrors.ReasonOf(e));
        return e;
    }
}
