using System.Data.Common;
using Npgsql;

namespace Lepton.Sync.Storage;

/// <summary>Bounded pools of connections, each with its deadlines.</summary>
internal static class DataSources
{
    /// <summary>What the connection string says itself counts, but for the size of the pool.</summary>
    /// <param name="configured">The connection string.</param>
    /// <param name="name">As the server lists the connections.</param>
    /// <param name="connections">At most.</param>
    /// <param name="connectTimeMax">Longest wait for a connection, and for a new one to open; whole seconds.</param>
    /// <param name="commandTimeMax">Longest time of one statement; whole seconds.</param>
    /// <param name="loggers">Npgsql's.</param>
    /// <param name="change">More that the connection string may overrule.</param>
    public static NpgsqlDataSource Make(
        string configured, string name, int connections, TimeSpan connectTimeMax, TimeSpan commandTimeMax,
        ILoggerFactory loggers, Action<NpgsqlConnectionStringBuilder>? change = null)
    {
        NpgsqlConnectionStringBuilder connection = new()
        {
            Timeout = (int)connectTimeMax.TotalSeconds,
            CommandTimeout = (int)commandTimeMax.TotalSeconds,
            ApplicationName = name,
        };
        change?.Invoke(connection);
        DbConnectionStringBuilder own = new() { ConnectionString = configured };
        foreach (var (key, value) in own.Cast<KeyValuePair<string, object>>())
            connection[key] = value;
        connection.MaxPoolSize = connections;
        connection.IncludeErrorDetail = false; // it would hold rows
        return new NpgsqlDataSourceBuilder(connection.ConnectionString).UseLoggerFactory(loggers).Build();
    }

    /// <summary>One connection from where it is configured now; disposed of where it does not open.</summary>
    public static async Task<NpgsqlConnection> OpenAsync(string configured, CancellationToken cancellationToken)
    {
        NpgsqlConnection open = new(configured);
        try
        {
            await open.OpenAsync(cancellationToken);
            return open;
        }
        catch
        {
            await open.DisposeAsync();
            throw;
        }
    }
}
