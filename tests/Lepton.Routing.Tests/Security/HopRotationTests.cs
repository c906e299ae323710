using Google.Protobuf;
using Grpc.Core;
using Lepton.Hop.V1;
using Lepton.Routing.Tests.World;
using Lepton.ServiceDefaults;

namespace Lepton.Routing.Tests.Security;

/// <summary>C1: a running router's hop signing certificate is renewed, and no call fails.</summary>
public sealed class HopRotationTests
{
    [Fact]
    public async Task ModelInfer_HopCertificateRenewed_NextGrantsAreOfTheNewOne()
    {
        await using TestWorld world = await TestWorld.StartAsync(["eu-west"], settings: new Dictionary<string, string?>
        {
            ["Lepton:Tls:ReloadInterval"] = "00:00:01",
        });
        FakeNode node = await world.AddNodeAsync("eu-west", "node-a", "ocr");
        ByteString former = await SignerOfNextAsync(world, node);
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));

        world.Installation.HopSigning("eu-west");

        // Each of these calls is verified by the node's own HopVerifier.
        while (await SignerOfNextAsync(world, node) == former)
            Assert.False(patience.IsCancellationRequested, "the former certificate still signs after 30 s");
    }

    private static async Task<ByteString> SignerOfNextAsync(TestWorld world, FakeNode node)
    {
        await world["eu-west"].Client.ModelInferAsync(
            TestWorld.Ask("ocr"), deadline: DateTime.UtcNow.AddSeconds(30));
        Metadata last = node.Received.Last();
        node.Received.Clear();
        byte[] grant = last.GetValueBytes(HopHeader.Grant) ?? throw new InvalidOperationException("no grant");
        return SignedHopGrant.Parser.ParseFrom(grant).Certificate;
    }
}
