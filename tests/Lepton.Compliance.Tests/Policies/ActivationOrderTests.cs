using System.Text;
using System.Text.Json.Nodes;
using Lepton.Compliance.Client;
using Lepton.Compliance.Tests.Law;

namespace Lepton.Compliance.Tests.Policies;

/// <summary>C3: who follows an order sees for itself that it is a good one.</summary>
public sealed class ActivationOrderTests
{
    private static ReadOnlyMemory<byte> Order(Action<JsonObject>? change = null)
    {
        var next = BookWorld.Version(5);
        ActivationOrder order = new(7, new Dictionary<string, long> { ["*"] = 4, ["eu-west"] = 5 },
            new Dictionary<long, PolicyApproval>
            {
                [4] = new(Shipped.Policy.Digest, "", "", DateTimeOffset.UnixEpoch, IsSeed: true),
                [5] = new(ResidencyPolicy.DigestOf(next), "anna", "bert", DateTimeOffset.UnixEpoch, IsSeed: false),
            },
            new Dictionary<long, ReadOnlyMemory<byte>> { [4] = Shipped.Bundle, [5] = next });
        if (change is null)
            return order.Write();
        var json = JsonNode.Parse(order.Write().Span)!.AsObject();
        change(json);
        return Encoding.UTF8.GetBytes(json.ToJsonString(new()
        {
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }));
    }

    [Fact]
    public void Next_ByRegion_IsTheVersionThatIsActiveThere()
    {
        var there = Shipped.Policy.Next(Order(), Shipped.World, "eu-west");
        var elsewhere = Shipped.Policy.Next(Order(), Shipped.World, "us-east");

        Assert.Equal((5L, 7L), (there.Version, there.Order));
        Assert.Equal((4L, 7L), (elsewhere.Version, elsewhere.Order));
        Assert.Equal(Shipped.Policy.Digest, elsewhere.Digest); // the very bytes
        Assert.Equal(Shipped.Policy.Regions, there.Regions);
    }

    [Fact]
    public void Read_APolicy_IsNoOrder() => Assert.Null(ActivationOrder.Read(Shipped.Bundle));

    [Theory]
    [InlineData("\"approver\":\"bert\"", "\"approver\":\"anna\"", "approvals.5.approver", "nobody approves their own")]
    [InlineData("\"digest\":\"sha256:", "\"digest\":\"sha256:0", "approvals.4.digest", "it was changed")]
    [InlineData("version 5", "version 6", "approvals.5.digest", "it was changed")]
    public void Next_TamperedOrder_IsRefused(string what, string by, string path, string takes)
    {
        var order = Encoding.UTF8.GetString(Order().Span);
        Assert.Contains(what, order, StringComparison.Ordinal);
        var json = Encoding.UTF8.GetBytes(order.Replace(what, by, StringComparison.Ordinal));

        var e = Assert.Throws<ResidencyPolicyException>(() => Shipped.Policy.Next(json, Shipped.World, "us-east"));

        Assert.Equal(path, e.Field);
        Assert.Contains(takes, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_OrderWithoutEverywhereOrApproval_IsRefused()
    {
        Assert.Equal("active", Field(o => o["active"]!.AsObject().Remove("*")));
        Assert.Equal("active.mars", Field(o => o["active"]!["mars"] = 6));
        Assert.Equal("approvals.5", Field(o => o["approvals"]!.AsObject().Remove("5")));
        Assert.Equal("surprise", Field(o => o["surprise"] = 1));

        static string Field(Action<JsonObject> change) => Assert.Throws<ResidencyPolicyException>(
            () => Shipped.Policy.Next(Order(change), Shipped.World, "us-east")).Field;
    }
}
