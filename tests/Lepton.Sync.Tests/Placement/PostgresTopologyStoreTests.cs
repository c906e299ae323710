using Lepton.Sync.Placement;
using Lepton.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lepton.Sync.Tests.Placement;

/// <summary>S1: one topology that all nodes agree on, in a real PostgreSQL.</summary>
[Collection("postgres")]
public sealed class PostgresTopologyStoreTests(SyncServer server) : IAsyncLifetime
{
    private string _database = "";

    public async Task InitializeAsync() => _database = await server.CreateDatabaseAsync();

    public Task DisposeAsync() => Task.CompletedTask;

    private static PostgresTopologyStore Make(string database, TimeSpan? timeMax = null)
    {
        PlacementOptions options = new();
        options.Topology.Database = database;
        options.Topology.TimeMax = timeMax ?? TimeSpan.FromSeconds(30);
        return new PostgresTopologyStore(Options.Create(options), TimeProvider.System, NullLoggerFactory.Instance);
    }

    [Fact]
    public async Task ReadAsync_NothingStored_IsNull()
    {
        using PostgresTopologyStore store = Make(_database);

        Assert.Null(await store.ReadAsync(default));
        Assert.Equal("postgresql (development)", store.Kind);
    }

    [Fact]
    public async Task TryReplaceAsync_Successors_EachStoreReadsTheNewest()
    {
        using PostgresTopologyStore one = Make(_database), other = Make(_database);

        Assert.True(await one.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default));
        Topology? first = await other.ReadAsync(default);
        Assert.Same(first, await other.ReadAsync(default)); // what did not change is not read again
        Assert.True(await one.TryReplaceAsync(Worlds.TwoRegions(epoch: 2), default));

        Assert.Equal(1, first?.Epoch);
        Assert.Equal(TopologyDocument.Write(Worlds.TwoRegions(epoch: 2)),
            TopologyDocument.Write((await other.ReadAsync(default))!));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task TryReplaceAsync_NotTheNextEpoch_IsRefused(long epoch)
    {
        using PostgresTopologyStore store = Make(_database);
        Assert.True(await store.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default));
        Assert.True(await store.TryReplaceAsync(Worlds.TwoRegions(epoch: 2), default));

        Assert.False(await store.TryReplaceAsync(Worlds.TwoRegions(epoch), default));
        Assert.Equal(2, (await store.ReadAsync(default))?.Epoch);
    }

    [Fact]
    public async Task TryReplaceAsync_ManyAtOnceOnAnEmptyDatabase_OneWins()
    {
        PostgresTopologyStore[] stores = [.. Enumerable.Range(0, 6).Select(_ => Make(_database))];

        bool[] first = await Task.WhenAll(stores.Select(s => s.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default)));
        bool[] second = await Task.WhenAll(stores.Select(s => s.TryReplaceAsync(Worlds.TwoRegions(epoch: 2), default)));

        Assert.Equal((1, 1), (first.Count(w => w), second.Count(w => w)));
        Array.ForEach(stores, s => s.Dispose());
    }

    [Fact]
    public async Task ReadAsync_NoServer_IsUnavailable()
    {
        using PostgresTopologyStore store = Make("Host=/nowhere;Username=sync;Database=sync");

        var fault = await Assert.ThrowsAsync<TopologyUnavailableException>(() => store.ReadAsync(default));

        Assert.Contains("postgresql (development)", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_RowIsLocked_IsUnavailableAfterItsDeadline()
    {
        using PostgresTopologyStore store = Make(_database, TimeSpan.FromMilliseconds(300));
        using PostgresTopologyStore patient = Make(_database);
        Assert.True(await patient.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default));
        await using NpgsqlConnection connection = new(_database);
        await connection.OpenAsync();
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await using NpgsqlCommand hold = new("LOCK TABLE topology IN ACCESS EXCLUSIVE MODE", connection);
        await hold.ExecuteNonQueryAsync();

        await Assert.ThrowsAsync<TopologyUnavailableException>(() => store.ReadAsync(default));
        await transaction.RollbackAsync();

        Assert.Equal(1, (await patient.ReadAsync(default))?.Epoch);
    }

    [Fact]
    public async Task ReadAsync_DamagedDocument_IsUnavailableAndSaysSo()
    {
        using PostgresTopologyStore store = Make(_database);
        Assert.True(await store.TryReplaceAsync(Worlds.TwoRegions(epoch: 1), default));
        await using NpgsqlConnection connection = new(_database);
        await connection.OpenAsync();
        await using NpgsqlCommand damage = new(
            "UPDATE topology SET document = set_byte(document, 20, get_byte(document, 20) # 1)", connection);
        await damage.ExecuteNonQueryAsync();

        var fault = await Assert.ThrowsAsync<TopologyUnavailableException>(() => store.ReadAsync(default));

        Assert.Contains("damaged", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_DatabaseFileComesLater_IsReadThen()
    {
        string folder = Directory.CreateTempSubdirectory("lepton-topology-").FullName;
        string file = Path.Combine(folder, "c.json");
        PlacementOptions options = new();
        options.Topology.DatabaseFile = file;
        options.Topology.TimeMax = TimeSpan.FromSeconds(30);
        using PostgresTopologyStore store = new(
            Options.Create(options), TimeProvider.System, NullLoggerFactory.Instance);

        await Assert.ThrowsAsync<TopologyUnavailableException>(() => store.ReadAsync(default));
        await File.WriteAllTextAsync(file, """{"routing":"Host=x"}""");
        var lacking = await Assert.ThrowsAsync<TopologyUnavailableException>(() => store.ReadAsync(default));
        await File.WriteAllTextAsync(file, $$"""{"sync":"{{_database}}"}""");

        Assert.Contains("\"sync\"", lacking.Message, StringComparison.Ordinal);
        Assert.Null(await store.ReadAsync(default));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task ReadAsync_CallerGivesUp_IsCancelled()
    {
        using PostgresTopologyStore store = Make(_database);
        using CancellationTokenSource gaveUp = new();
        await gaveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.ReadAsync(gaveUp.Token));
    }
}
