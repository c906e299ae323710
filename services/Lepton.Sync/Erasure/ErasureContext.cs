using System.Text;
using Lepton.Sync.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Lepton.Sync.Erasure;

/// <summary>An order.</summary>
internal sealed class ErasureRow
{
    public required Guid Id { get; init; }

    public required string Tenant { get; init; }

    public required byte[] SubjectDigest { get; init; }

    public required DateTimeOffset OrderTime { get; init; }

    public required string OrderedBy { get; init; }

    /// <summary>16 bytes each, one after the other.</summary>
    public required byte[] KeyIds { get; set; }

    public bool IsFinished { get; set; }

    public bool IsSwept { get; set; }
}

/// <summary>How far an order is at a node.</summary>
internal sealed class ErasureReceiptRow
{
    public required Guid ErasureId { get; init; }

    public required string Node { get; init; }

    public required string Region { get; init; }

    /// <summary>null: no receipt yet.</summary>
    public string? Signature { get; set; }

    public DateTimeOffset? DestroyTime { get; set; }

    public int Keys { get; set; }

    public long Records { get; set; }

    public required byte[] OwnKeyIds { get; set; }

    public int KnownKeys { get; set; }
}

/// <summary>The tables of erasure by EF Core, made by <see cref="ErasureSchema"/>.</summary>
internal sealed class ErasureContext(DbContextOptions<ErasureContext> options) : DbContext(options)
{
    public DbSet<ErasureRow> Erasures => Set<ErasureRow>();

    public DbSet<ErasureReceiptRow> Receipts => Set<ErasureReceiptRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ErasureRow>().ToTable("erasures").HasKey(e => e.Id);
        modelBuilder.Entity<ErasureReceiptRow>().ToTable("erasure_receipts").HasKey(r => new { r.ErasureId, r.Node });
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(e => e.GetProperties()))
            property.SetColumnName(SnakeCase(property.Name));
    }

    private static string SnakeCase(string name)
    {
        StringBuilder snake = new(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && snake.Length > 0)
                snake.Append('_');
            snake.Append(char.ToLowerInvariant(c));
        }
        return snake.ToString();
    }
}

/// <summary>The tables.</summary>
internal static class ErasureSchema
{
    private static readonly SchemaSteps Steps = new("erasure_steps", 0x4c65_7074_0201,
    [
        """
        CREATE TABLE erasures (
            id uuid PRIMARY KEY, tenant text NOT NULL, subject_digest bytea NOT NULL, order_time timestamptz NOT NULL,
            ordered_by text NOT NULL, key_ids bytea NOT NULL, is_finished boolean NOT NULL, is_swept boolean NOT NULL);
        CREATE INDEX erasures_open ON erasures (id) WHERE NOT is_finished OR NOT is_swept;
        CREATE TABLE erasure_receipts (
            erasure_id uuid NOT NULL REFERENCES erasures, node text NOT NULL, region text NOT NULL, signature text,
            destroy_time timestamptz, keys integer NOT NULL, records bigint NOT NULL, own_key_ids bytea NOT NULL,
            known_keys integer NOT NULL, PRIMARY KEY (erasure_id, node));
        """,
    ]);

    /// <inheritdoc cref="SchemaSteps.EnsureAsync" />
    public static async Task EnsureAsync(ErasureContext database, CancellationToken cancellationToken)
    {
        await database.Database.OpenConnectionAsync(cancellationToken); // closed with the context
        await Steps.EnsureAsync((NpgsqlConnection)database.Database.GetDbConnection(), cancellationToken);
    }
}
