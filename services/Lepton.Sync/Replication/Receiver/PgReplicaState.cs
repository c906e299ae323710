using Lepton.Sync.Records;
using Lepton.Sync.Storage;
using Npgsql;

namespace Lepton.Sync.Replication.Receiver;

/// <summary><see cref="IReplicaState"/> in a table of the node's database, made when it is missing.</summary>
internal sealed class PgReplicaState(Func<string> connection) : IReplicaState
{
    public async Task<IReadOnlyList<SlotOrigin>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await using (var create = new NpgsqlCommand("""
            CREATE TABLE IF NOT EXISTS slot_origins (
                class smallint, slot smallint, home smallint NOT NULL, term bigint NOT NULL, PRIMARY KEY (class, slot))
            """, open))
            await create.ExecuteNonQueryAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT class, slot, home, term FROM slot_origins", open);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<SlotOrigin> origins = [];
        while (await reader.ReadAsync(cancellationToken))
            origins.Add(new SlotOrigin(new ClassId(reader.GetInt16(0)), new SlotId(reader.GetInt16(1)),
                new NodeId(reader.GetInt16(2)), reader.GetInt64(3)));
        return origins;
    }

    public async Task WriteAsync(IReadOnlyList<SlotOrigin> origins, CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("""
            INSERT INTO slot_origins SELECT * FROM unnest($1::smallint[], $2::smallint[], $3::smallint[], $4::bigint[])
            ON CONFLICT (class, slot) DO UPDATE SET home = excluded.home, term = excluded.term
            """, open)
        {
            Parameters =
            {
                new() { Value = origins.Select(o => o.Class.Value).ToArray() },
                new() { Value = origins.Select(o => o.Slot.Value).ToArray() },
                new() { Value = origins.Select(o => o.Home.Value).ToArray() },
                new() { Value = origins.Select(o => o.Term).ToArray() },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task ForgetAsync(NodeId home, CancellationToken cancellationToken)
    {
        await using var open = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"UPDATE slot_origins SET term = {SlotOrigin.NoTerm} WHERE home = $1", open)
        {
            Parameters = { new() { Value = home.Value } },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken) =>
        DataSources.OpenAsync(connection(), cancellationToken);
}
