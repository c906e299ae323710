using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Lepton.Compliance.Client.Audit;
using Lepton.Identity.Passwords;
using Lepton.Identity.Storage;
using Lepton.ServiceDefaults;
using Lepton.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lepton.Identity.Tests.World;

/// <summary>What a test begins an authority with; instances that share it share the database.</summary>
internal sealed class TestSite(string database) : IDisposable
{
    public const string Password = "correct horse battery staple";

    // Made once: a hash takes its time.
    private static readonly Lazy<string> Hash = new(
        () => PasswordHash.Create(Password, new PasswordOptions()).ToString());

    public TestInstallation Installation { get; } = new();

    public MovableTime Time { get; } = new(DateTimeOffset.UtcNow);

    public string Database => database;

    public string Issuer { get; set; } = FreeAddress.Url();

    public TestProgram Batch { get; } = new("batch", "acme");

    public TestProgram Other { get; } = new("other", "globex");

    public Dictionary<string, string?> Options { get; } = [];

    public string SeedFile => Path.Combine(Installation.Directory, "seed.json");

    public string MasterKeyFile => Path.Combine(Installation.Directory, "master.key");

    public static async Task<TestSite> CreateAsync(IdentityServer server)
    {
        var site = new TestSite(await server.CreateDatabaseAsync());
        await File.WriteAllTextAsync(site.MasterKeyFile, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        site.Seed();
        return site;
    }

    public static object User(string name, string tenant) => new { name, tenant, passwordHash = Hash.Value };

    /// <summary>Writes the seed file: what is given, or ada of acme, grace of globex, two programs and one with a
    /// certificate.</summary>
    public void Seed(object[]? users = null, object[]? clients = null) =>
        File.WriteAllText(SeedFile, JsonSerializer.Serialize(new
        {
            users = users ?? [User("ada", "acme"), User("grace", "globex")],
            clients = clients ?? [Batch.Seed, Other.Seed, ByCertificate],
        }));

    public static object ByCertificate => new
    {
        id = "device-7", tenant = "acme", method = "tls_client_auth",
        certificateUri = "spiffe://lepton.local/tenant/acme",
    };

    public void Dispose()
    {
        Batch.Dispose();
        Other.Dispose();
        Installation.Dispose();
    }
}

/// <summary>An authority as its program puts it together, over real sockets and TLS.</summary>
internal sealed class TestAuthority : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly List<HttpClient> _clients = [];

    private TestAuthority(TestSite site, WebApplication app)
    {
        (Site, _app) = (site, app);
        Http = Client(null);
    }

    public TestSite Site { get; }

    public string Issuer => Site.Issuer;

    public MovableTime Time => Site.Time;

    public string Address => _app.Urls.Single();

    /// <summary>A client without a certificate.</summary>
    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>The first instance has the issuer's address, further ones one of their own.</summary>
    public static async Task<TestAuthority> StartAsync(
        TestSite site, bool isSecond = false, Action<IServiceCollection>? change = null)
    {
        site.Installation.Life = TimeSpan.FromDays(200); // longer than any test moves its clock by
        for (var attempt = 1; ; attempt++)
        {
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            builder.Configuration.AddInMemoryCollection(site.Installation.Configuration("eu-west", "identity"));
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["urls"] = isSecond ? "https://127.0.0.1:0" : site.Issuer,
                ["Identity:Issuer"] = site.Issuer,
                ["Identity:Database"] = site.Database,
                ["Identity:MasterKeyFile"] = site.MasterKeyFile,
                ["Identity:SeedFile"] = site.SeedFile,
                ["Identity:Rate:LogInPerMinute"] = "1000",
                ["Lepton:Intrusion:RulesFile"] = MetricList.RepositoryFile("deploy/intrusion.json"),
            });
            builder.Configuration.AddInMemoryCollection(site.Options);
            builder.Services.AddSingleton<TimeProvider>(site.Time);
            builder.AddServiceDefaults("identity");
            builder.AddAudit("identity");
            builder.Services.AddIdentity();
            change?.Invoke(builder.Services);
            var app = builder.Build();
            try
            {
                app.MapServiceDefaults(IdentityApp.NoOthers, Platform.V1.SecurityService.Descriptor);
                app.MapIdentity();
                await app.StartAsync();
                return new TestAuthority(site, app);
            }
            catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException
                && attempt < 5)
            {
                site.Issuer = FreeAddress.Url(); // somebody else took it in between
                await app.DisposeAsync();
            }
            catch
            {
                await app.DisposeAsync();
                throw;
            }
        }
    }

    public HttpClient Client((string Certificate, string Key)? shown)
    {
        var handler = Site.Installation.Handler(shown);
        handler.UseCookies = false;
        handler.AllowAutoRedirect = false;
        var client = new HttpClient(handler)
        {
            BaseAddress = new Uri(Address), Timeout = TimeSpan.FromSeconds(60),
            DefaultRequestVersion = HttpVersion.Version20,
        };
        _clients.Add(client);
        return client;
    }

    public async Task<Answer> PostAsync(string path, params (string, string)[] form) =>
        await PostAsync(Http, path, form);

    public static async Task<Answer> PostAsync(HttpClient http, string path, params (string, string)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Item1, f.Item2)));
        return await Answer.OfAsync(await http.PostAsync(new Uri(path, UriKind.Relative), content));
    }

    public async Task<Answer> GetAsync(string path, HttpClient? http = null) =>
        await Answer.OfAsync(await (http ?? Http).GetAsync(new Uri(path, UriKind.Relative)));

    /// <summary>A token of the program batch.</summary>
    public async Task<string> ProgramTokenAsync() =>
        (await PostAsync("/token", [("grant_type", "client_credentials"), .. Site.Batch.Credentials(this)])).IsOk()
        ["access_token"];

    /// <summary>Something done in the database.</summary>
    public async Task<T> InDatabaseAsync<T>(Func<IdentityContext, Task<T>> work)
    {
        await using var database = await Services.GetRequiredService<IDbContextFactory<IdentityContext>>()
            .CreateDbContextAsync();
        return await work(database);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await _app.DisposeAsync();
    }
}
