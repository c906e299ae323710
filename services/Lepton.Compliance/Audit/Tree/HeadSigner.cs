using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lepton.Compliance.Client.Audit.Proofs;
using Lepton.Compliance.V1;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Audit.Tree;

/// <summary>
/// Signs heads, the own log's and others' as their witness, with the certificate in the configured files; when they
/// are renewed the next signature is by the new one. Safe for concurrent use.
/// </summary>
internal sealed class HeadSigner(LogName log, IOptions<AuditOptions> options, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private X509Certificate2? _certificate;
    private DateTime _changed;

    /// <summary>The own log's head at a size.</summary>
    public TreeHead Sign(long size, byte[] root)
    {
        TreeHead head = new()
        {
            Log = log.Value, Size = (ulong)size, Root = ByteString.CopyFrom(root),
            HeadTime = Timestamp.FromDateTimeOffset(
                DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds())),
        };
        lock (_lock)
            head.Signature = HeadSignatures.SignHead(head, Current());
        return head;
    }

    /// <summary>This service's word for another's head.</summary>
    public WitnessSignature Witness(TreeHead head)
    {
        lock (_lock)
            return HeadSignatures.SignWitness(head, log.Service, Current());
    }

    public void Dispose() => _certificate?.Dispose();

    // A renewal that is half done, or not readable, leaves the former one in use.
    private X509Certificate2 Current()
    {
        var changed = File.GetLastWriteTimeUtc(options.Value.SignerCertificateFile);
        if (_certificate is { } former && changed == _changed)
            return former;
        try
        {
            var next = X509Certificate2.CreateFromPemFile(
                options.Value.SignerCertificateFile, options.Value.SignerKeyFile);
            (_certificate, _changed) = (next, changed);
            return next;
        }
        catch (Exception e) when (_certificate is not null && e is CryptographicException or IOException
            or ArgumentException)
        {
            return _certificate ?? throw new InvalidDataException(
                $"Compliance:Audit:SignerCertificateFile cannot be read: {e.Message}", e);
        }
    }
}
