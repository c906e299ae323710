using System.Security.Cryptography;

namespace Lepton.Setup.Pki;

/// <summary>
/// The secrets that compliance services start with: what persons' keys are found by, the same in every region, so that
/// an erasure names nobody on its way; and each region's own, which seals the keys on disk.
/// </summary>
internal static class ComplianceFiles
{
    public const string Folder = "compliance";

    /// <summary>Makes what is not there; what is there stays: no name in the audit log could be read without.</summary>
    public static void Ensure(string pki, IEnumerable<string> regions)
    {
        var folder = Path.Combine(pki, Folder);
        PemPair.CreateDirectory(folder);
        Ensure(Path.Combine(folder, "index.key"));
        foreach (var region in regions)
        {
            PemPair.CreateDirectory(Path.Combine(folder, region));
            Ensure(Path.Combine(folder, region, "secret.key"));
        }
    }

    private static void Ensure(string file) =>
        SecretFiles.Ensure(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
}
