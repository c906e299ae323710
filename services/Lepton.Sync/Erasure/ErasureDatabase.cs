using Lepton.Sync.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Lepton.Sync.Erasure;

/// <summary>Says where the node's database is (Storage's configuration); asked by the first use.</summary>
internal delegate string DatabaseConnection();

/// <summary>
/// Contexts over one small pool of connections to the node's database. Where it is, is asked by the first use: its file
/// may come into being while the service starts.
/// </summary>
internal sealed class ErasureDatabase(DatabaseConnection connection, ILoggerFactory loggers) : IDisposable
{
    private const int ConnectionsMax = 4;
    private static readonly TimeSpan ConnectTimeMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CommandTimeMax = TimeSpan.FromSeconds(10);

    private readonly Lock _making = new();
    private NpgsqlDataSource? _source;
    private DbContextOptions<ErasureContext>? _options;

    /// <exception cref="IOException">The file that says where it is cannot be read.</exception>
    public ErasureContext Open()
    {
        lock (_making)
        {
            if (_options is null)
            {
                _source = DataSources.Make(
                    connection(), "lepton-sync-erasure", ConnectionsMax, ConnectTimeMax, CommandTimeMax, loggers);
                _options = new DbContextOptionsBuilder<ErasureContext>()
                    .UseNpgsql(_source).UseLoggerFactory(loggers).Options;
            }
            return new ErasureContext(_options);
        }
    }

    /// <summary>Asks anew where it is: an earlier run's file may have been there.</summary>
    public void Forget()
    {
        lock (_making)
        {
            _source?.Dispose();
            (_source, _options) = (null, null);
        }
    }

    public void Dispose() => _source?.Dispose();
}
