using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Identity.Storage;

/// <summary>
/// Contexts over one pool of connections. Where the database is, is read by the first use: its file may come into being
/// while the service starts.
/// </summary>
internal sealed class Databases(IOptions<IdentityOptions> options, ILoggerFactory loggers)
    : IDbContextFactory<IdentityContext>, IDisposable
{
    private const int ConnectTimeMaxSeconds = 5;
    private const int CommandTimeMaxSeconds = 10;

    private readonly Lock _making = new();
    private NpgsqlDataSource? _source;
    private DbContextOptions<IdentityContext>? _options;

    /// <exception cref="IOException">The file that says where it is cannot be read.</exception>
    public IdentityContext CreateDbContext()
    {
        lock (_making)
        {
            if (_options is null)
            {
                _source = MakeSource();
                _options = new DbContextOptionsBuilder<IdentityContext>()
                    .UseNpgsql(_source).UseLoggerFactory(loggers).Options;
            }
            return new IdentityContext(_options);
        }
    }

    /// <summary>Reads anew where it is: an earlier run's file may have been there.</summary>
    public void Forget()
    {
        lock (_making)
        {
            _source?.Dispose();
            (_source, _options) = (null, null);
        }
    }

    public void Dispose() => _source?.Dispose();

    private NpgsqlDataSource MakeSource()
    {
        // What the connection string says itself counts.
        var connection = new NpgsqlConnectionStringBuilder
        {
            Timeout = ConnectTimeMaxSeconds,
            CommandTimeout = CommandTimeMaxSeconds,
            ApplicationName = "lepton-identity",
        };
        var configured = new DbConnectionStringBuilder { ConnectionString = options.Value.ReadConnection() };
        foreach (var (key, value) in configured.Cast<KeyValuePair<string, object>>())
            connection[key] = value;
        connection.IncludeErrorDetail = false; // it would hold rows
        return new NpgsqlDataSourceBuilder(connection.ConnectionString).UseLoggerFactory(loggers).Build();
    }
}
