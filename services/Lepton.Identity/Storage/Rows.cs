namespace Lepton.Identity.Storage;

/// <summary>A signing key. Its private part is sealed; its times are fixed when it is made.</summary>
internal sealed class SigningKeyRow
{
    public required string Id { get; init; }

    /// <summary>SubjectPublicKeyInfo, DER.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>PKCS#8 under the master key: nonce, ciphertext, tag.</summary>
    public required byte[] SealedKey { get; init; }

    public required DateTimeOffset CreateTime { get; init; }

    /// <summary>Signs from here …</summary>
    public required DateTimeOffset UseTime { get; init; }

    /// <summary>… to here.</summary>
    public required DateTimeOffset EndTime { get; init; }

    /// <summary>Is published from its making to here.</summary>
    public required DateTimeOffset HideTime { get; init; }
}

/// <summary>A person.</summary>
internal sealed class UserRow
{
    public required string Name { get; init; }

    public required string Tenant { get; set; }

    /// <summary>PHC string.</summary>
    public required string PasswordHash { get; set; }

    /// <summary>The hash that the seed file gave, when it gave one: the other may have been raised since.</summary>
    public string? SeedHash { get; set; }
}

/// <summary>A program that gets tokens.</summary>
internal sealed class ClientRow
{
    public required string Id { get; init; }

    /// <summary>Empty for a public client, whose tokens are of the person's tenant.</summary>
    public required string Tenant { get; set; }

    /// <summary>One of <see cref="Clients.ClientMethod"/>.</summary>
    public required string Method { get; set; }

    /// <summary>SubjectPublicKeyInfo, DER; private_key_jwt only.</summary>
    public byte[]? PublicKey { get; set; }

    /// <summary>The URI SAN of its certificate; tls_client_auth only.</summary>
    public string? CertificateUri { get; set; }
}

/// <summary>Log-in attempts for a name, whether anybody has it or not.</summary>
internal sealed class LogInTryRow
{
    public required byte[] NameHash { get; init; }

    public required int Failures { get; init; }

    public required DateTimeOffset LastTime { get; init; }

    public DateTimeOffset? BlockUntil { get; init; }
}

/// <summary>A client assertion that was taken: it is not taken again.</summary>
internal sealed class UsedAssertionRow
{
    public required string ClientId { get; init; }

    public required byte[] IdHash { get; init; }

    public required DateTimeOffset ExpireTime { get; init; }
}

internal enum DeviceState
{
    Pending,
    Approved,
    Refused,
    Used,
}

/// <summary>A device that waits for a person.</summary>
internal sealed class DeviceGrantRow
{
    public required byte[] CodeHash { get; init; }

    public required byte[] UserCodeHash { get; init; }

    public required string ClientId { get; init; }

    public required DateTimeOffset ExpireTime { get; init; }

    public required int IntervalSeconds { get; set; }

    public DateTimeOffset? PollTime { get; set; }

    public required DeviceState State { get; set; }

    /// <summary>Log-ins tried for it.</summary>
    public required int Tries { get; set; }

    public string? UserName { get; set; }

    public DateTimeOffset? AuthTime { get; set; }
}

/// <summary>One log-in of one person by one client: what its refresh tokens and access tokens hang on.</summary>
internal sealed class SessionRow
{
    public required string Id { get; init; }

    public required string UserName { get; init; }

    public required string ClientId { get; init; }

    public required string Tenant { get; init; }

    public required DateTimeOffset AuthTime { get; init; }

    public required DateTimeOffset ExpireTime { get; init; }

    public DateTimeOffset? EndTime { get; set; }
}

/// <summary>A refresh token, good for one use.</summary>
internal sealed class RefreshTokenRow
{
    public required byte[] Hash { get; init; }

    public required string SessionId { get; init; }

    public required DateTimeOffset ExpireTime { get; init; }

    public DateTimeOffset? UseTime { get; set; }
}

internal enum RevocationKind
{
    /// <summary>One token, by its jti.</summary>
    Token,

    /// <summary>All tokens of a session, by its sid.</summary>
    Session,

    /// <summary>All tokens of a subject issued before a time.</summary>
    Subject,
}

/// <summary>Tokens that must not be taken any more.</summary>
internal sealed class RevocationRow
{
    /// <summary>Grows in the order of commits.</summary>
    public long Sequence { get; init; }

    public required RevocationKind Kind { get; init; }

    public required string Value { get; init; }

    /// <summary>Unix seconds; <see cref="RevocationKind.Subject"/> only.</summary>
    public long? Before { get; init; }

    /// <summary>The last token that it can concern is over.</summary>
    public required DateTimeOffset ExpireTime { get; init; }
}
