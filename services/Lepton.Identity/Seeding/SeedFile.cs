using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lepton.Identity.Clients;
using Lepton.Identity.Passwords;
using Lepton.ServiceDefaults;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.Identity.Seeding;

/// <summary>A user as the seed file has it: with a hash, or with a password that is hashed here.</summary>
internal sealed record SeedUser(string Name, string Tenant, string? PasswordHash, string? Password);

/// <summary>A client as the seed file has it.</summary>
internal sealed record SeedClient(string Id, string Tenant, string Method, byte[]? PublicKey, string? CertificateUri);

/// <summary>
/// Users and clients, checked. What is wrong is said with the field's place, as in
/// <c>Identity:SeedFile: users[2].tenant takes …</c>.
/// </summary>
internal sealed record SeedFile(IReadOnlyList<SeedUser> Users, IReadOnlyList<SeedClient> Clients)
{
    /// <summary>The public client of the command line, which is always there.</summary>
    public const string CommandLineClient = "lepton-cli";

    private const int EntriesMax = 10_000;
    private const int PasswordFilesMax = 100; // each costs a hash at every start
    private const long FileBytesMax = 16 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
        PropertyNameCaseInsensitive = false,
    };

    /// <exception cref="InvalidDataException">It is wrong, and where.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static SeedFile Read(string file)
    {
        if (new FileInfo(file).Length > FileBytesMax)
            throw Wrong($"takes a file of at most {FileBytesMax} bytes");
        FileShape shape;
        try
        {
            shape = JsonSerializer.Deserialize<FileShape>(File.ReadAllBytes(file), Json)
                ?? throw Wrong("takes an object with users and clients");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Identity:SeedFile: {file} is wrong at {e.Path ?? "$"}: {e.Message}", e);
        }
        var (users, clients) = (shape.Users ?? [], shape.Clients ?? []);
        if (users.Count + clients.Count > EntriesMax)
            throw Wrong($"takes at most {EntriesMax} users and clients");
        if (users.Count(u => u?.PasswordFile is not null) > PasswordFilesMax)
            throw Wrong($"users take at most {PasswordFilesMax} password files: give hashes");
        var folder = Path.GetDirectoryName(Path.GetFullPath(file)) ?? "/";
        var seed = new SeedFile(
            [.. users.Select((u, i) => Check(u, $"users[{i}]", folder))],
            [.. clients.Select((c, i) => Check(c, $"clients[{i}]")), CommandLine()]);
        // Both are the sub of tokens: two of a name could not be told apart.
        var twice = seed.Users.Select(u => u.Name).Concat(seed.Clients.Select(c => c.Id))
            .GroupBy(n => n).FirstOrDefault(g => g.Count() > 1);
        return twice is null
            ? seed
            : throw Wrong($"{twice.Key} is the name of two users or clients; {CommandLineClient} is there by itself");
    }

    private static SeedClient CommandLine() => new(CommandLineClient, "", ClientMethod.None, null, null);

    private static SeedUser Check(UserShape? user, string at, string folder)
    {
        if (user is null || !Names.IsSubject(user.Name))
            throw Wrong($"{at}.name takes {Names.SubjectTakes}");
        if (!Names.IsTenant(user.Tenant))
            throw Wrong($"{at}.tenant takes {Names.TenantTakes}");
        if (user.PasswordHash is null == user.PasswordFile is null)
            throw Wrong($"{at} takes passwordHash or passwordFile, one of the two");
        if (user.PasswordHash is { } hash && !PasswordHash.TryParse(hash, out _))
            throw Wrong($"{at}.passwordHash takes {PasswordHash.Takes}");
        var password = user.PasswordFile is { } file ? ReadPassword(Path.Combine(folder, file), at) : null;
        return new SeedUser(user.Name ?? "", user.Tenant ?? "", user.PasswordHash, password);
    }

    private static string ReadPassword(string file, string at)
    {
        string password;
        try
        {
            password = File.ReadAllText(file).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException(
                $"Identity:SeedFile: {at}.passwordFile takes a file that can be read: {e.Message}", e);
        }
        return Encoding.UTF8.GetByteCount(password) is >= 8 and <= PasswordHash.PasswordBytesMax
            ? password
            : throw Wrong($"{at}.passwordFile takes a file with 8 to {PasswordHash.PasswordBytesMax} bytes");
    }

    private static SeedClient Check(ClientShape? client, string at)
    {
        if (client is null || !Names.IsSubject(client.Id))
            throw Wrong($"{at}.id takes {Names.SubjectTakes}");
        if (client.Method is not (ClientMethod.PrivateKeyJwt or ClientMethod.TlsClientAuth or ClientMethod.None))
            throw Wrong($"{at}.method takes {ClientMethod.PrivateKeyJwt}, {ClientMethod.TlsClientAuth} or "
                + ClientMethod.None);
        if (client.Method == ClientMethod.None ? client.Tenant is not null : !Names.IsTenant(client.Tenant))
            throw Wrong(client.Method == ClientMethod.None
                ? $"{at}.tenant: leave it out; tokens of a public client are of the person's tenant"
                : $"{at}.tenant takes {Names.TenantTakes}");
        if (client.Jwk is not null != (client.Method == ClientMethod.PrivateKeyJwt))
            throw Wrong($"{at}.jwk is for {ClientMethod.PrivateKeyJwt}, and needed there");
        if (client.CertificateUri is not null != (client.Method == ClientMethod.TlsClientAuth))
            throw Wrong($"{at}.certificateUri is for {ClientMethod.TlsClientAuth}, and needed there");
        if (client.CertificateUri is { } uri && Caller.Parse(uri) is null)
            throw Wrong($"{at}.certificateUri takes the URI SAN of a tenant or a service, as in "
                + "spiffe://lepton.local/tenant/acme");
        return new SeedClient(client.Id ?? "", client.Tenant ?? "", client.Method,
            client.Jwk is { } jwk ? PublicKey(jwk, at) : null, client.CertificateUri);
    }

    private static byte[] PublicKey(JwkShape jwk, string at)
    {
        try
        {
            if (jwk is { Kty: "EC", Crv: "P-256", X: { Length: 43 } x, Y: { Length: 43 } y })
            {
                using var key = ECDsa.Create(new ECParameters
                {
                    Curve = ECCurve.NamedCurves.nistP256,
                    Q = new ECPoint { X = Base64UrlEncoder.DecodeBytes(x), Y = Base64UrlEncoder.DecodeBytes(y) },
                });
                return key.ExportSubjectPublicKeyInfo();
            }
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            throw new InvalidDataException($"Identity:SeedFile: {at}.jwk is no point of P-256.", e);
        }
        throw Wrong($"{at}.jwk takes a public key: kty EC, crv P-256, x and y");
    }

    private static InvalidDataException Wrong(string what) => new($"Identity:SeedFile: {what}.");

    private sealed record FileShape(IReadOnlyList<UserShape?>? Users, IReadOnlyList<ClientShape?>? Clients);

    private sealed record UserShape(string? Name, string? Tenant, string? PasswordHash, string? PasswordFile);

    private sealed record ClientShape(
        string? Id, string? Tenant, string? Method, JwkShape? Jwk, string? CertificateUri);

    // No d: a private key is refused as an unknown member.
    private sealed record JwkShape(
        string? Kty, string? Crv, string? X, string? Y, string? Kid, string? Use, string? Alg);
}
