using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Lepton.Testing;

/// <summary>Counts the requests that a service's pipeline was given, before anything else sees them.</summary>
public sealed class ArrivedRequests : IStartupFilter
{
    private int count;

    /// <summary>How many so far.</summary>
    public int Count => Volatile.Read(ref count);

    /// <inheritdoc />
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((_, rest) =>
        {
            Interlocked.Increment(ref count);
            return rest();
        });
        next(app);
    };
}
