using System.Text;
using Microsoft.EntityFrameworkCore;

namespace Lepton.Identity.Storage;

/// <summary>The database by EF Core. <see cref="Schema"/> makes its tables; names are the properties' in snake
/// case.</summary>
internal sealed class IdentityContext(DbContextOptions<IdentityContext> options) : DbContext(options)
{
    public DbSet<SigningKeyRow> SigningKeys => Set<SigningKeyRow>();

    public DbSet<UserRow> Users => Set<UserRow>();

    public DbSet<ClientRow> Clients => Set<ClientRow>();

    public DbSet<LogInTryRow> LogInTries => Set<LogInTryRow>();

    public DbSet<UsedAssertionRow> UsedAssertions => Set<UsedAssertionRow>();

    public DbSet<DeviceGrantRow> DeviceGrants => Set<DeviceGrantRow>();

    public DbSet<SessionRow> Sessions => Set<SessionRow>();

    public DbSet<RefreshTokenRow> RefreshTokens => Set<RefreshTokenRow>();

    public DbSet<RevocationRow> Revocations => Set<RevocationRow>();

    /// <summary>Until the transaction ends nobody else holds this lock, of whichever instance.</summary>
    public Task LockAsync(AdvisoryLock which, CancellationToken cancellationToken) =>
        Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({(long)which})", cancellationToken);

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<SigningKeyRow>().ToTable("signing_keys").HasKey(k => k.Id);
        modelBuilder.Entity<UserRow>().ToTable("users").HasKey(u => u.Name);
        modelBuilder.Entity<ClientRow>().ToTable("clients").HasKey(c => c.Id);
        modelBuilder.Entity<LogInTryRow>().ToTable("log_in_tries").HasKey(t => t.NameHash);
        modelBuilder.Entity<UsedAssertionRow>().ToTable("used_assertions").HasKey(a => new { a.ClientId, a.IdHash });
        modelBuilder.Entity<DeviceGrantRow>().ToTable("device_grants").HasKey(d => d.CodeHash);
        modelBuilder.Entity<SessionRow>().ToTable("sessions").HasKey(s => s.Id);
        modelBuilder.Entity<RefreshTokenRow>().ToTable("refresh_tokens").HasKey(r => r.Hash);
        // So that EF writes a session before its tokens.
        modelBuilder.Entity<RefreshTokenRow>().HasOne<SessionRow>().WithMany().HasForeignKey(r => r.SessionId);
        modelBuilder.Entity<RevocationRow>().ToTable("revocations").HasKey(r => r.Sequence);
        modelBuilder.Entity<RevocationRow>().Property(r => r.Sequence).UseIdentityAlwaysColumn();
        foreach (var entity in modelBuilder.Model.GetEntityTypes())
        {
            foreach (var property in entity.GetProperties())
                property.SetColumnName(SnakeCase(property.Name));
        }
    }

    private static string SnakeCase(string name)
    {
        var snake = new StringBuilder(name.Length + 4);
        foreach (var c in name)
        {
            if (char.IsAsciiLetterUpper(c) && snake.Length > 0)
                snake.Append('_');
            snake.Append(char.ToLowerInvariant(c));
        }
        return snake.ToString();
    }
}

/// <summary>What only one instance does at a time. Numbers of the database's own; never reused.</summary>
internal enum AdvisoryLock : long
{
    Schema = 0x4c65_7074_0001,
    Keys = 0x4c65_7074_0002,
    Seed = 0x4c65_7074_0003,
    Revocations = 0x4c65_7074_0004,
}
