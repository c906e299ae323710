using System.Text;
using Microsoft.EntityFrameworkCore;

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

/// <summary>
/// The tables, made and changed by numbered steps under an advisory lock, as those of the other parts. A step that was
/// released is never changed, and only adds.
/// </summary>
internal static class ErasureSchema
{
    private const long Lock = 0x4c65_7074_0201; // numbers of the database's own; never reused

    private static readonly string[] Steps =
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
    ];

    /// <summary>Brings the database to this version; one of a later version is left as it is.</summary>
    public static async Task EnsureAsync(ErasureContext database, CancellationToken cancellationToken)
    {
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        await database.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        await database.Database.ExecuteSqlAsync(
            $"CREATE TABLE IF NOT EXISTS erasure_steps (step integer PRIMARY KEY)", cancellationToken);
        var done = await database.Database.SqlQuery<int>($"SELECT count(*)::integer AS \"Value\" FROM erasure_steps")
            .SingleAsync(cancellationToken);
        for (var step = done; step < Steps.Length; step++)
        {
            await database.Database.ExecuteSqlRawAsync(Steps[step], cancellationToken);
            await database.Database.ExecuteSqlAsync($"INSERT INTO erasure_steps VALUES ({step})", cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }
}
