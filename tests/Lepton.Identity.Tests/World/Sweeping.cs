using Lepton.Identity.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Lepton.Identity.Tests.World;

/// <summary>The sweep, now.</summary>
internal static class Sweeping
{
    public static Task<long> SweepAsync(TestAuthority authority) =>
        authority.Services.GetRequiredService<Sweeper>().SweepAsync(CancellationToken.None);
}
