using Lepton.Sync.Tests.World;
using Lepton.Testing;
using Npgsql;

namespace Lepton.Sync.Tests;

/// <summary>
/// Nodes of Sync that leave nothing on the server that they share with other tests, which has ten replication slots and
/// a hundred connections.
/// </summary>
internal sealed class PassingSync : IAsyncDisposable
{
    private PassingSync(TestSync world) => World = world;

    public TestSync World { get; }

    /// <param name="server">Where the databases are.</param>
    /// <param name="nodes">REGION-ZONE each.</param>
    /// <param name="settings">For every node.</param>
    public static async Task<PassingSync> StartAsync(
        PostgresServer server, string[] nodes, Dictionary<string, string?>? settings = null) =>
        new(await TestSync.StartAsync(server, nodes, settings));

    public async ValueTask DisposeAsync()
    {
        string[] databases = [.. World.Keepers.Select(k => k.Database)];
        await World.DisposeAsync();
        foreach (string database in databases)
        {
            await using (NpgsqlConnection pool = new(database))
                NpgsqlConnection.ClearPool(pool);
            await using NpgsqlConnection connection = new(
                new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
            await connection.OpenAsync();
            await using NpgsqlCommand drop = new("""
                SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots
                    WHERE database = current_database() AND active_pid IS NOT NULL;
                SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
                    WHERE database = current_database();
                """, connection);
            await drop.ExecuteNonQueryAsync();
        }
    }
}
