using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lepton.ServiceDefaults;
using Lepton.Sync.Erasure;
using Lepton.Sync.Sealing;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Tests.Erasure;

/// <summary>S7: a receipt is the word of the region's service sync, and of nobody else.</summary>
public sealed class ReceiptTests : IDisposable
{
    private static readonly DateTimeOffset At = new(2026, 5, 1, 12, 0, 0, 123, TimeSpan.Zero);
    private static readonly ErasureOrder Order = new(
        new Guid("00112233-4455-6677-8899-aabbccddeeff"), new SubjectDigest("acme", new byte[32]), At, "us-east-a");

    private readonly TestInstallation _installation = new();
    private readonly TlsMaterial _material;

    public ReceiptTests()
    {
        var (certificate, key) = _installation.Service("eu-west", "sync");
        _material = new TlsMaterial(Options.Create(new TlsOptions
        {
            CertificateFile = certificate, KeyFile = key, AuthorityFile = _installation.AuthorityFile,
        }), TimeProvider.System, NullLogger<TlsMaterial>.Instance);
    }

    public void Dispose() => _installation.Dispose();

    [Fact]
    public void Fault_OfTheNodesOwn_IsNone()
    {
        var receipt = SignedBy(_installation.Service("eu-west", "sync"));

        Assert.Null(Fault(receipt));
        Assert.Contains("\"destroy_time\":\"2026-05-01T12:00:00.123Z\"",
            Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(receipt.Signature.Split('.')[1])),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Fault_OfForgedOnes_SaysWhy()
    {
        using TestInstallation other = new();
        var good = SignedBy(_installation.Service("eu-west", "sync"));
        var parts = good.Signature.Split('.');
        NodeReceipt[] forged =
        [
            SignedBy(_installation.Service("us-east", "sync")),
            SignedBy(_installation.Service("eu-west", "routing")),
            SignedBy(_installation.Tenant("acme")),
            SignedBy(other.Service("eu-west", "sync")),
            good with { Keys = 3 },
            good with { Records = 1 },
            good with { DestroyTime = At.AddSeconds(1) },
            good with { Node = "eu-west-b" },
            good with { Region = "us-east" },
            good with { Signature = "" },
            good with { Signature = $"{parts[0]}.{parts[1]}" },
            good with { Signature = $"{parts[0]}.{parts[1]}.{parts[1]}" },
            good with { Signature = $"e30.{parts[1]}.{parts[2]}" },
            good with { Signature = $"{parts[0]}.e30.{parts[2]}" },
            good with { Signature = "..." },
            good with { Signature = "!.!.!" },
            good with { Signature = good.Signature + new string('A', Receipts.BytesMax) },
        ];

        Assert.All(forged, r => Assert.NotNull(Fault(r)));
        Assert.NotNull(Receipts.Fault(good, Order with { Id = Guid.NewGuid() }, "eu-west-a", "eu-west",
            _material.IsTrustedServer));
        Assert.NotNull(Receipts.Fault(good, Order with { Subject = new SubjectDigest("globex", new byte[32]) },
            "eu-west-a", "eu-west", _material.IsTrustedServer));
    }

    private string? Fault(NodeReceipt receipt) =>
        Receipts.Fault(receipt, Order, "eu-west-a", "eu-west", _material.IsTrustedServer);

    private static NodeReceipt SignedBy((string Certificate, string Key) files)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key);
        return Receipts.Sign(Order, "eu-west-a", "eu-west", At, 2, 7, certificate);
    }
}
