using System.Security.Cryptography;
using System.Text.Json;
using Lepton.Sync.Records;
using Npgsql;

namespace Lepton.Sync.Backup.Restore;

/// <summary>What a restore made.</summary>
/// <param name="BackupId">Of which backup.</param>
/// <param name="Timeline">The restored server's, a new one.</param>
/// <param name="RecoveredTo">The end of the log that was recovered, on the old timeline.</param>
/// <param name="ArchiveTime">When the archived log ends: what was committed later is in no backup.</param>
internal sealed record RestoreReport(
    string BackupId, uint Timeline, LogPosition RecoveredTo, DateTimeOffset ArchiveTime);

/// <summary>
/// Restores into a folder as the embedded server's supervisor (<c>eng/postgres --data</c>) keeps one: <c>pgdata/</c>
/// appears under its name only when it is recovered, and <c>secrets.json</c> holds the first role's password.
/// </summary>
internal sealed class FolderRestore(Restorer restorer)
{
    /// <summary>The supervisor's superuser.</summary>
    private const string Superuser = "postgres";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <exception cref="BackupException">Not restored; nothing that was there is changed.</exception>
    public async Task<RestoreReport> RestoreAsync(
        RestorePoint point, string target, CancellationToken cancellationToken)
    {
        var (data, fresh) = (Path.Combine(target, "pgdata"), Path.Combine(target, "pgdata.restoring"));
        try
        {
            if (Directory.Exists(data))
                throw new BackupException(
                    BackupFault.Invalid, $"{data} is there already: stop its server and move it away first.");
            Directory.CreateDirectory(target, OwnerOnly);
            if (Directory.Exists(fresh))
                Directory.Delete(fresh, recursive: true); // of a restore that was interrupted
            var restored = await restorer.RestoreAsync(point, fresh, cancellationToken);
            await using (var server = restored.Server)
            {
                var password = await EnsurePasswordAsync(target, cancellationToken);
                await SetPasswordAsync(restored, password, cancellationToken);
                await server.StopAsync();
            }
            Directory.Move(fresh, data);
            return new RestoreReport(
                restored.Manifest.Id, restored.Timeline, restored.RecoveredTo, restored.ArchiveTime);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NpgsqlException or JsonException)
        {
            throw new BackupException(BackupFault.RestoreFailed, $"Not restored into {target}: {e.Message}", e);
        }
    }

    private static async Task<string> EnsurePasswordAsync(string target, CancellationToken cancellationToken)
    {
        var file = Path.Combine(target, "secrets.json");
        var secrets = File.Exists(file)
            ? JsonSerializer.Deserialize<Dictionary<string, string>>(
                await File.ReadAllBytesAsync(file, cancellationToken)) ?? []
            : [];
        if (secrets.TryGetValue(Superuser, out var known) && known.All(char.IsAsciiHexDigit) && known.Length > 0)
            return known;
        var password = secrets[Superuser] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        await using FileStream stream = new(file + ".new", new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await JsonSerializer.SerializeAsync(stream, secrets, cancellationToken: cancellationToken);
        await stream.FlushAsync(cancellationToken);
        File.Move(file + ".new", file, overwrite: true);
        return password;
    }

    private static async Task SetPasswordAsync(
        Restored restored, string password, CancellationToken cancellationToken)
    {
        var role = restored.Manifest.Superuser;
        await using NpgsqlConnection sql = new(restored.Server.Connection(role, restored.Manifest.Database));
        await sql.OpenAsync(cancellationToken);
        // The password is hexadecimal; the role is quoted as an identifier.
        await using NpgsqlCommand command = new(
            $"ALTER ROLE {new NpgsqlCommandBuilder().QuoteIdentifier(role)} PASSWORD '{password}'", sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
