using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>Signatures of tree heads and of those who witness them; forms in audit_entry.proto.</summary>
public static class HeadSignatures
{
    /// <summary>Extended key usage of the signers' certificates.</summary>
    public const string KeyUsage = "1.3.6.1.4.1.59999.1.3";

    private const string HeadType = "lepton-tree-head+jws", WitnessType = "lepton-tree-witness+jws";
    private const string TimeForm = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";
    private const string AlternativeName = "2.5.29.17";
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    /// <summary>Signs what a log was.</summary>
    public static string SignHead(TreeHead head, X509Certificate2 certificate) =>
        SignedWord.Sign(HeadType, HeadClaims(head), certificate);

    /// <summary>Signs that a head was found consistent with all before it.</summary>
    public static WitnessSignature SignWitness(TreeHead head, string witness, X509Certificate2 certificate) => new()
    {
        Witness = witness, Signature = SignedWord.Sign(WitnessType, WitnessClaims(head, witness), certificate),
    };

    /// <summary>Why a head is not its log's; null: it is.</summary>
    /// <param name="head">The head.</param>
    /// <param name="authority">The installation's certificate authority.</param>
    public static string? HeadFault(TreeHead head, X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(head);
        return Shape(head) ?? SignedWord.Fault(head.Signature, HeadType, HeadClaims(head),
            certificate => IsSigner(certificate, authority, head.Log, head.HeadTime.ToDateTimeOffset()));
    }

    /// <summary>Why a witness' word for a head is not its; null: it is. A log is no witness of itself.</summary>
    public static string? WitnessFault(TreeHead head, WitnessSignature word, X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(word);
        if (word.Witness == head.Log)
            return "a log is no witness of itself";
        return Shape(head) ?? SignedWord.Fault(word.Signature, WitnessType, WitnessClaims(head, word.Witness),
            certificate => IsSigner(certificate, authority, word.Witness, head.HeadTime.ToDateTimeOffset()));
    }

    private static string? Shape(TreeHead head) => head switch
    {
        { Log.Length: 0 or > 100 } => "log: takes 1 to 100 characters",
        { HeadTime: null } => "head_time is required",
        { Root.Length: not MerkleTree.HashBytes } => "root: takes 32 bytes",
        { Size: > long.MaxValue } => "size: takes at most 2^63 - 1",
        _ => null,
    };

    // In its time when the head was signed; clocks may differ by minutes. A witness signs soon after.
    private static bool IsSigner(
        X509Certificate2 certificate, X509Certificate2 authority, string log, DateTimeOffset time)
    {
        var names = certificate.Extensions[AlternativeName];
        var expected = $"spiffe://lepton.local/region/{log.Split('/')[0]}/service/compliance";
        if (names is null || !Holds(names.RawData, expected) || certificate.NotAfter.ToUniversalTime() < time - Skew
            || certificate.NotBefore.ToUniversalTime() > time + TimeSpan.FromHours(1))
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // leaves live for days and are not revoked
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(KeyUsage));
        var (start, end) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        chain.ChainPolicy.VerificationTime = time.UtcDateTime < start ? start : time.UtcDateTime > end ? end
            : time.UtcDateTime;
        return certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().Any() && chain.Build(certificate);
    }

    // The one name, as a URI (context tag 6), as the authority of the installation writes it.
    private static bool Holds(byte[] names, string uri)
    {
        var text = Encoding.ASCII.GetBytes(uri);
        byte[] name = [0x86, checked((byte)text.Length), .. text];
        return names.AsSpan().IndexOf(name) >= 0;
    }

    // The order of names is fixed: the bytes are compared.
    private static Dictionary<string, object> HeadClaims(TreeHead head) => new()
    {
        ["log"] = head.Log,
        ["size"] = head.Size,
        ["head_time"] = head.HeadTime.ToDateTimeOffset().UtcDateTime.ToString(TimeForm, CultureInfo.InvariantCulture),
        ["root"] = Base64Url.EncodeToString(head.Root.Span),
    };

    private static Dictionary<string, object> WitnessClaims(TreeHead head, string witness) => new()
    {
        ["log"] = head.Log,
        ["size"] = head.Size,
        ["root"] = Base64Url.EncodeToString(head.Root.Span),
        ["witness"] = witness,
    };
}
