namespace Lepton.Identity.Tests.World;

/// <summary>An authority of the test's own, with a database of its own on the shared server.</summary>
public abstract class AuthorityTests(IdentityServer server) : IAsyncLifetime
{
    private TestSite? _site;
    private TestAuthority? _authority;

    private protected IdentityServer Server { get; } = server;

    private protected TestSite Site => _site ?? throw new InvalidOperationException("not started");

    /// <summary>A test may put another in its place, as after a restart.</summary>
    private protected TestAuthority Authority
    {
        get => _authority ?? throw new InvalidOperationException("not started");
        set => _authority = value;
    }

    public async Task InitializeAsync()
    {
        _site = await TestSite.CreateAsync(Server);
        _authority = await TestAuthority.StartAsync(_site);
    }

    public async Task DisposeAsync()
    {
        if (_authority is not null)
            await _authority.DisposeAsync();
        _site?.Dispose();
    }
}
