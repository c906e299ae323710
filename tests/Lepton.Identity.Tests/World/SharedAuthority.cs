namespace Lepton.Identity.Tests.World;

/// <summary>One authority for all tests of a class: those that leave nothing behind that another would see.</summary>
public sealed class SharedAuthority(IdentityServer server) : IAsyncLifetime
{
    private TestSite? _site;
    private TestAuthority? _authority;

    internal TestAuthority Value => _authority ?? throw new InvalidOperationException("not started");

    public async Task InitializeAsync()
    {
        _site = await TestSite.CreateAsync(server);
        _authority = await TestAuthority.StartAsync(_site);
    }

    public async Task DisposeAsync()
    {
        if (_authority is not null)
            await _authority.DisposeAsync();
        _site?.Dispose();
    }
}
