using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lepton.Setup.Pki;

/// <summary>A certificate and its key as two PEM files, the key readable by its owner only.</summary>
internal sealed class PemPair(string directory, string name)
{
    private const UnixFileMode OwnerReadsAndWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerOnly = OwnerReadsAndWrites | UnixFileMode.UserExecute;

    private string CertificateFile => Path.Combine(directory, $"{name}.crt");

    private string KeyFile => Path.Combine(directory, $"{name}.key");

    /// <summary>Makes the folder and narrows its mode, should it have been made wider.</summary>
    public static void CreateDirectory(string directory)
    {
        Directory.CreateDirectory(directory, OwnerOnly);
        File.SetUnixFileMode(directory, OwnerOnly);
    }

    /// <summary>Null when a file is absent or the two don't belong together: then the pair is made again.</summary>
    public X509Certificate2? TryLoad()
    {
        if (!File.Exists(CertificateFile) || !File.Exists(KeyFile))
            return null;
        try
        {
            return X509Certificate2.CreateFromPemFile(CertificateFile, KeyFile);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    public void Save(X509Certificate2 certificate, ECDsa key)
    {
        CreateDirectory(directory);
        Write(KeyFile, key.ExportPkcs8PrivateKeyPem() + "\n", OwnerReadsAndWrites);
        Write(CertificateFile, certificate.ExportCertificatePem() + "\n",
            OwnerReadsAndWrites | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private static void Write(string path, string content, UnixFileMode mode)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        using (var file = new StreamWriter(new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        })))
            file.Write(content);
        File.Move(fresh, path, overwrite: true);
    }
}
