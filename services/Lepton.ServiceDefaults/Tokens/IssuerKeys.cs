using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Lepton.ServiceDefaults;

/// <summary>
/// One authority's signing keys: fetched by discovery at an interval, and early when a token names a key that is not
/// known; kept on disk, so that a service starts, and serves, while the authority is away.
/// </summary>
internal sealed partial class IssuerKeys : IDisposable
{
    private const int DocumentBytesMax = 256 << 10;
    private static readonly TimeSpan FetchTimeMax = TimeSpan.FromSeconds(5);

    // Who invents key names makes us ask the authority no more often than this.
    private static readonly TimeSpan EarlyMin = TimeSpan.FromSeconds(2);

    private readonly IssuerOptions _options;
    private readonly TimeSpan _ageMax;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _fetching = new(1);
    private volatile KeySet _keys = KeySet.None;
    private long _triedAt;
    private bool _tried;

    public IssuerKeys(
        IssuerOptions options, TimeSpan ageMax, TlsMaterial material, TimeProvider time, ILogger logger)
    {
        (_options, _ageMax, _time, _logger) = (options, ageMax, time, logger);
        _http = new HttpClient(Handler(options, material))
        {
            Timeout = FetchTimeMax, MaxResponseContentBufferSize = DocumentBytesMax,
        };
        Load();
    }

    /// <summary>The keys in force; none when they were never had or are too old.</summary>
    public IReadOnlyList<SecurityKey> Current =>
        _keys is { } keys && _time.GetUtcNow() - keys.FetchedAt <= _ageMax ? keys.Keys : [];

    /// <summary>When the keys in force were fetched; null: never.</summary>
    public DateTimeOffset? FetchedAt => _keys == KeySet.None ? null : _keys.FetchedAt;

    public bool Has(string keyId) => Current.Any(k => k.KeyId == keyId);

    /// <summary>Fetches now because a key is not known, unless that was tried a moment ago.</summary>
    public async Task FetchEarlyAsync(string keyId, CancellationToken cancellation)
    {
        await _fetching.WaitAsync(cancellation);
        try
        {
            if (Has(keyId) || (_tried && _time.GetElapsedTime(_triedAt) < EarlyMin))
                return;
            await FetchAsync(cancellation);
        }
        finally
        {
            _fetching.Release();
        }
    }

    /// <summary>Fetches because the interval is over.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        await _fetching.WaitAsync(cancellation);
        try
        {
            await FetchAsync(cancellation);
        }
        finally
        {
            _fetching.Release();
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _fetching.Dispose();
    }

    private async Task FetchAsync(CancellationToken cancellation)
    {
        (_tried, _triedAt) = (true, _time.GetTimestamp());
        var metadata = _options.MetadataUrl.Length > 0
            ? _options.MetadataUrl
            : _options.Issuer.TrimEnd('/') + "/.well-known/openid-configuration";
        try
        {
            var document = await OpenIdConnectConfigurationRetriever.GetAsync(
                metadata, new HttpDocumentRetriever(_http), cancellation);
            if (document.Issuer != _options.Issuer)
            {
                LogOtherIssuer(metadata, document.Issuer, _options.Issuer);
                return;
            }
            _keys = new KeySet([.. document.SigningKeys], _time.GetUtcNow());
            Save(document.JsonWebKeySet);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException or ArgumentException
            or InvalidOperationException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            LogNotFetched(e, _options.Name, metadata);
        }
    }

    private void Load()
    {
        if (_options.KeysFile.Length == 0 || !File.Exists(_options.KeysFile))
            return;
        try
        {
            var set = new JsonWebKeySet(File.ReadAllText(_options.KeysFile));
            _keys = new KeySet([.. set.GetSigningKeys()], File.GetLastWriteTimeUtc(_options.KeysFile));
        }
        catch (Exception e) when (e is IOException or ArgumentException or JsonException or UnauthorizedAccessException)
        {
            LogFileUnusable(e, _options.KeysFile);
        }
    }

    private void Save(JsonWebKeySet? set)
    {
        if (_options.KeysFile.Length == 0 || set is null)
            return;
        try
        {
            // Replaced whole: a start in between reads the old ones or the new ones.
            var fresh = $"{_options.KeysFile}.{Environment.ProcessId}";
            File.WriteAllText(fresh, JsonSerializer.Serialize(new { keys = set.Keys.Select(Public) }));
            File.Move(fresh, _options.KeysFile, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogFileUnusable(e, _options.KeysFile);
        }
    }

    private static Dictionary<string, string> Public(JsonWebKey key)
    {
        (string, string?)[] members =
        [
            ("kty", key.Kty), ("use", key.Use), ("kid", key.Kid), ("alg", key.Alg), ("crv", key.Crv), ("x", key.X),
            ("y", key.Y), ("n", key.N), ("e", key.E),
        ];
        return members.Where(m => !string.IsNullOrEmpty(m.Item2)).ToDictionary(m => m.Item1, m => m.Item2 ?? "");
    }

    /// <summary>What connects to an authority, trusting whom its options say.</summary>
    /// <param name="options">The authority.</param>
    /// <param name="material">This process's certificate and authority.</param>
    /// <param name="showCertificate">Whether this process says who it is.</param>
    internal static SocketsHttpHandler Handler(
        IssuerOptions options, TlsMaterial material, bool showCertificate = false)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = options.AuthorityFile == "system",
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            SslOptions = new SslClientAuthenticationOptions { EnabledSslProtocols = SslProtocols.Tls13 },
        };
        if (showCertificate)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => material.Certificate;
        switch (options.AuthorityFile)
        {
            case "system":
                handler.SslOptions.EnabledSslProtocols |= SslProtocols.Tls12; // not ours: theirs may not have 1.3 yet
                break;
            case "":
                handler.SslOptions.CertificateChainPolicy = material.ServerPolicy();
                break;
            default:
                var authorities = new X509Certificate2Collection();
                authorities.ImportFromPemFile(options.AuthorityFile);
                handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                };
                handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
                break;
        }
        return handler;
    }

    [LoggerMessage(LogLevel.Warning, "Keys of {Issuer} could not be fetched from {Url}; the former ones stay in use")]
    private partial void LogNotFetched(Exception e, string issuer, string url);

    [LoggerMessage(LogLevel.Error, "{Url} says that its issuer is {Said}, and {Expected} is configured: not used")]
    private partial void LogOtherIssuer(string url, string said, string expected);

    [LoggerMessage(LogLevel.Warning, "The key file {File} cannot be used")]
    private partial void LogFileUnusable(Exception e, string file);

    private sealed record KeySet(IReadOnlyList<SecurityKey> Keys, DateTimeOffset FetchedAt)
    {
        public static readonly KeySet None = new([], DateTimeOffset.MinValue);
    }
}
