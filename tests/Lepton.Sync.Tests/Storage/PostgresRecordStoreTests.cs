using System.Text;
using Lepton.Sync.Storage;
using Npgsql;

namespace Lepton.Sync.Tests.Storage;

/// <summary>The contract by the real server.</summary>
[Collection("postgres")]
public sealed class PostgresRecordStoreTests(SyncServer server) : RecordStoreContract
{
    private TestStorage? _storage;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task AnyOperations_AsTheModelSays(int seed) =>
        await new RandomOperations(Store, seed).RunAsync(steps: 300);

    public override async Task DisposeAsync()
    {
        if (_storage is not null)
            await _storage.DisposeAsync();
    }

    private protected override async Task<IRecordStore> CreateAsync()
    {
        _storage = new TestStorage(await server.CreateDatabaseAsync());
        await _storage.Database.EnsureSchemaAsync(default);
        return _storage.Store;
    }
}

/// <summary>Likewise.</summary>
[Collection("postgres")]
public sealed class PostgresAppliedChangesTests(SyncServer server) : AppliedChangesContract
{
    private TestStorage? _storage;
    private string _connection = "";

    public override async Task DisposeAsync()
    {
        if (_storage is not null)
            await _storage.DisposeAsync();
    }

    private protected override async Task<IRecordStore> CreateAsync()
    {
        _connection = await server.CreateDatabaseAsync();
        _storage = new TestStorage(_connection);
        await _storage.Database.EnsureSchemaAsync(default);
        return _storage.Store;
    }

    private protected override async Task<string[]> StrandedAsync()
    {
        await using NpgsqlConnection connection = new(_connection);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new("SELECT key FROM stranded_writes ORDER BY key", connection);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        List<string> keys = [];
        while (await reader.ReadAsync())
            keys.Add(Encoding.UTF8.GetString(reader.GetFieldValue<byte[]>(0)));
        return [.. keys];
    }
}
