using System.ComponentModel.DataAnnotations;

namespace Lepton.ServiceDefaults;

/// <summary>The files of this process's identity. Section <c>Lepton:Tls</c>. PEM; read again when they
/// change.</summary>
public sealed class TlsOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Lepton:Tls";

    /// <summary>This process's certificate with its URI SAN. Required.</summary>
    [Required(ErrorMessage = "the path of this process's certificate (PEM)")]
    public string CertificateFile { get; set; } = "";

    /// <summary>Its private key. Required.</summary>
    [Required(ErrorMessage = "the path of the certificate's private key (PEM)")]
    public string KeyFile { get; set; } = "";

    /// <summary>The installation's authority: the only one trusted, both ways. Required.</summary>
    [Required(ErrorMessage = "the path of the authority's certificate (PEM)")]
    public string AuthorityFile { get; set; } = "";

    /// <summary>How often the files are looked at for a renewal. 1 s to 1 h, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan ReloadInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The share of a leaf's life below which its end is near: health turns degraded and a warning is logged. 0.05 to
    /// 0.5, default 0.25; set-up renews leaves from 0.5 on.
    /// </summary>
    [Range(0.05, 0.5)]
    public double ExpiryWarningShare { get; set; } = 0.25;
}
