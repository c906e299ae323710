using System.Security.Cryptography;

namespace Lepton.Setup.Pki;

/// <summary>
/// The secrets that nodes of Sync start with: what keys and subjects are digested with and what saved maps are signed
/// with, the same in every region, and each region's own: one seals its key-encryption keys, another its backups.
/// </summary>
internal static class SyncFiles
{
    public const string Folder = "sync";

    /// <summary>Makes what is not there; what is there stays: no record would be found, or opened, without.</summary>
    public static void Ensure(string pki, IEnumerable<string> regions)
    {
        var folder = Path.Combine(pki, Folder);
        PemPair.CreateDirectory(folder);
        Ensure(Path.Combine(folder, "blinding.key"));
        Ensure(Path.Combine(folder, "map.key"));
        foreach (var region in regions)
        {
            PemPair.CreateDirectory(Path.Combine(folder, region));
            Ensure(Path.Combine(folder, region, "secret.key"));
            Ensure(Path.Combine(folder, region, "backup.key"));
        }
    }

    private static void Ensure(string file) =>
        SecretFiles.Ensure(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
}
