using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Hop.V1;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Benchmarks.Token;

/// <summary>One hop at both its ends: made by a router, checked by a node. Each assertion is made once.</summary>
internal sealed class HopPair : IDisposable
{
    private const string Node = "inference-eu-west-a";
    private static readonly Caller Router = Caller.Parse("spiffe://lepton.local/region/eu-west/service/routing")
        ?? throw new InvalidOperationException();

    private readonly HopSigner _signer;
    private readonly HopSealer _sealer;
    private readonly HopVerifier _verifier;
    private readonly HopAssertion _claims = new()
    {
        Principal = "lepton/anna", Tenant = "demo", DataClass = "eu-personal", AllowedRegions = { "eu-west" },
        DecisionId = "eu-west-00000000000000000000000000000001", Attempt = 1, Hops = 1, Audience = Node, Model = "ocr",
        IssueTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow),
        ExpireTime = Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow.AddMinutes(4)),
    };

    public HopPair(TestInstallation installation, IServiceProvider services)
    {
        (string certificate, string key) = installation.HopSigning("eu-west");
        _signer = HopSigner.FromFiles(certificate, key);
        _sealer = new HopSealer(_signer, TimeProvider.System);
        _verifier = new HopVerifier(services.GetRequiredService<TlsMaterial>(), TimeProvider.System);
    }

    public void Sealed()
    {
        SealedHop hop = _sealer.Seal(Node, _claims.ToByteArray());
        Require(_verifier.Verify(hop.Assertion, hop.Grant, Node, Router));
    }

    /// <summary>Only the making: a receiver would soon have its fill of signed ones.</summary>
    public void Signed() => _signer.Sign(_claims);

    public void Dispose() => _signer.Dispose();

    private static void Require(HopVerdict verdict)
    {
        if (verdict is HopVerdict.Refused refused)
            throw new InvalidOperationException(refused.Why);
    }
}
