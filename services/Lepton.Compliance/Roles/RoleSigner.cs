using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lepton.ServiceDefaults;
using Lepton.Sync.Client;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Lepton.Compliance.Roles;

/// <summary>Signs roles with the region's own certificate for that, and verifies what was signed.</summary>
internal sealed class RoleSigner(
    IOptions<RoleOptions> options, TlsMaterial material, RolesTarget target, TimeProvider time) : IHealthCheck
{
    private static readonly Oid Use = new(RolesDocument.KeyUsage);

    /// <summary>Signs.</summary>
    /// <exception cref="RolesUnavailableException">There is nothing to sign with that services would trust.</exception>
    public SignedContent Sign(RolesDocument document)
    {
        using var certificate = Load();
        return SignedContent.Sign(
            ControlData.RolesKey, document.Version, document.Write(), certificate, time.GetUtcNow());
    }

    /// <summary>What a record holds, if one of those who may sign it did.</summary>
    /// <exception cref="ControlContentException">Nobody of them did.</exception>
    public RolesDocument Read(ReadOnlyMemory<byte> jws)
    {
        var content = SignedContent.Read(jws, ControlData.RolesKey,
            (certificate, at) => target.SignerUses.Any(use => material.IsTrusted(certificate, new Oid(use), at)),
            time.GetUtcNow());
        try
        {
            var document = RolesDocument.Read(content.Content.Span);
            return document.Version == content.Version
                ? document
                : throw new ControlContentException(
                    $"says version {document.Version} and is signed as version {content.Version}.");
        }
        catch (AccessFileException e)
        {
            throw new ControlContentException(e.Message, e);
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            Load().Dispose();
            return Task.FromResult(HealthCheckResult.Healthy());
        }
        catch (RolesUnavailableException e)
        {
            return Task.FromResult(HealthCheckResult.Degraded(e.Message));
        }
    }

    private X509Certificate2 Load()
    {
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPemFile(
                options.Value.SignerCertificateFile, options.Value.SignerKeyFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new RolesUnavailableException($"The role signer cannot be read: {e.Message}", e);
        }
        if (material.IsTrusted(certificate, Use))
            return certificate;
        certificate.Dispose();
        throw new RolesUnavailableException(
            "The role signer's certificate has expired or is not for roles; ./lepton setup makes a new one.");
    }
}

/// <summary>Roles could not be read, signed or written; whether they were written may not be known.</summary>
internal sealed class RolesUnavailableException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The record of roles is not what a role signer signed.</summary>
internal sealed class RolesDamagedException(string message, Exception? cause = null) : Exception(message, cause);
