using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Lepton.Postgres;

/// <summary>
/// Everything of one server on disk: <c>pgdata/</c>, <c>secrets.json</c> (passwords), <c>connections.json</c>, the
/// socket's folder, <c>ready</c> while it serves. The folder and its files are the owner's only.
/// </summary>
internal sealed class ServerFolder(string path) : IDisposable
{
    public const string Superuser = "postgres";

    // sun_path holds 108 bytes with its final zero; "/.s.PGSQL.5432" takes 14 more than the folder.
    private const int SocketDirectoryBytesMax = 93;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private FileStream? exclusive;

    public string Data => Path.Combine(path, "pgdata");

    public string FreshData => Path.Combine(path, "pgdata.new");

    public string ReadyFile => Path.Combine(path, "ready");

    private string ConnectionsFile => Path.Combine(path, "connections.json");

    private string SecretsFile => Path.Combine(path, "secrets.json");

    private string SocketRecord => Path.Combine(path, "socket-dir");

    /// <summary>One supervisor a folder; the kernel frees the lock when the holder dies.</summary>
    public static ServerFolder Lock(string path)
    {
        Directory.CreateDirectory(path, OwnerOnly);
        try
        {
            var file = new FileStream(Path.Combine(path, "supervisor.lock"), FileMode.OpenOrCreate,
                FileAccess.ReadWrite, FileShare.None);
            return new ServerFolder(path) { exclusive = file };
        }
        catch (IOException exception)
        {
            throw new PostgresException($"another supervisor runs on {path}.", exception);
        }
    }

    /// <summary>The folder for the socket: the one asked for, else one in here, else a short temporary one.</summary>
    public string PrepareSocketDirectory(string? wanted)
    {
        var inside = Path.Combine(path, "socket");
        if (wanted is not null && !Fits(wanted))
            throw new PostgresException(
                $"a unix socket cannot lie in {wanted}: more than {SocketDirectoryBytesMax} bytes.");
        RemoveTemporarySocketDirectory();
        var directory = wanted ?? (Fits(inside) ? inside : Directory.CreateTempSubdirectory("lepton-pg-").FullName);
        if (!Fits(directory))
            throw new PostgresException($"a unix socket cannot lie in {directory}: pass a short --socket-dir.");
        Directory.CreateDirectory(directory, OwnerOnly);
        File.SetUnixFileMode(directory, OwnerOnly);
        if (directory != wanted && directory != inside)
            Write(SocketRecord, directory);
        return directory;
    }

    /// <summary>The temporary folder of an earlier start, which may have ended without a word.</summary>
    public void RemoveTemporarySocketDirectory()
    {
        if (!File.Exists(SocketRecord))
            return;
        var recorded = File.ReadAllText(SocketRecord);
        if (Directory.Exists(recorded))
            Directory.Delete(recorded, recursive: true);
        File.Delete(SocketRecord);
    }

    /// <summary>The passwords of the superuser and of each role; new ones are made and kept before they are
    /// used.</summary>
    public IReadOnlyDictionary<string, string> EnsureSecrets(IEnumerable<string> roles)
    {
        var secrets = File.Exists(SecretsFile) ? Read(SecretsFile) : [];
        var known = secrets.Count;
        foreach (var role in roles.Prepend(Superuser))
            secrets.TryAdd(role, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        if (secrets.Count > known)
            Write(SecretsFile, JsonSerializer.Serialize(secrets, Json));
        return secrets;
    }

    /// <summary>initdb takes the password from a file only.</summary>
    public string WritePasswordFile(string password)
    {
        var file = Path.Combine(path, "initdb.password");
        Write(file, password + "\n");
        return file;
    }

    public void WriteConnections(IReadOnlyDictionary<string, string> connections) =>
        Write(ConnectionsFile, JsonSerializer.Serialize(connections, Json));

    public IReadOnlyDictionary<string, string> ReadConnections() => Read(ConnectionsFile);

    public void MarkReady(int pid) => Write(ReadyFile, pid.ToString(CultureInfo.InvariantCulture));

    public void MarkNotReady() => File.Delete(ReadyFile);

    public void Dispose() => exclusive?.Dispose();

    private static bool Fits(string directory) =>
        System.Text.Encoding.UTF8.GetByteCount(directory) <= SocketDirectoryBytesMax;

    private static Dictionary<string, string> Read(string file) =>
        JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllBytes(file))
        ?? throw new PostgresException($"{file} is empty.");

    private static void Write(string file, string content)
    {
        var fresh = file + ".new";
        File.Delete(fresh);
        using (var writer = new StreamWriter(new FileStream(fresh, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        })))
            writer.Write(content);
        File.Move(fresh, file, overwrite: true);
    }
}
