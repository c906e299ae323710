using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Lepton.Sync.Backup.Wire;

/// <summary>
/// A connection for physical replication (PostgreSQL's frontend protocol 3.0, chapter 54.4). Npgsql has no call for
/// BASE_BACKUP, and of START_REPLICATION it hides the server's keepalives, which a server that shuts down must have
/// answered with what is really saved. One user at a time; every wait has a deadline.
/// </summary>
internal sealed class ReplicationLink : IAsyncDisposable
{
    // A server sends the log in 128 KiB at most and files in 32 KiB; the rest are rows and errors of a few words.
    private const int MessageBytesMax = 16 << 20;
    private const int HeaderBytes = 5;

    private readonly Stream _stream;
    private readonly TimeSpan _silenceMax;
    private readonly TimeProvider _time;
    private readonly byte[] _header = new byte[HeaderBytes];
    private byte[] _body = new byte[256 << 10];

    private ReplicationLink(Stream stream, TimeSpan silenceMax, TimeProvider time) =>
        (_stream, _silenceMax, _time) = (stream, silenceMax, time);

    /// <param name="connectionString">As Npgsql takes it; its role needs the right REPLICATION.</param>
    /// <param name="silenceMax">The longest wait for one message.</param>
    /// <param name="time">The clock of the deadlines.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="BackupException">It does not answer, or refuses.</exception>
    public static async Task<ReplicationLink> OpenAsync(
        string connectionString, TimeSpan silenceMax, TimeProvider time, CancellationToken cancellationToken)
    {
        NpgsqlConnectionStringBuilder address = new(connectionString);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(Math.Max(1, address.Timeout)), time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        ReplicationLink? link = null;
        try
        {
            link = new ReplicationLink(await ServerAddress.ConnectAsync(address, both.Token), silenceMax, time);
            await link.LogInAsync(address, both.Token);
            return link;
        }
        catch (Exception e)
        {
            if (link is not null)
                await link.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (e is BackupException)
                throw;
            if (e is IOException or SocketException or OperationCanceledException or AuthenticationException)
                throw Unavailable(e);
            throw;
        }
    }

    /// <summary>The rows of a replication command's answers, and the connection ready for the next.</summary>
    /// <exception cref="BackupException">Refused, or the server is gone.</exception>
    public async Task<IReadOnlyList<IReadOnlyList<string?>>> QueryAsync(
        string command, CancellationToken cancellationToken)
    {
        await SendQueryAsync(command, cancellationToken);
        List<IReadOnlyList<string?>> rows = [];
        for (; ; )
        {
            var message = await ReadAsync(cancellationToken);
            if (message.Type == 'D')
                rows.Add(message.Row());
            if (message.Type == 'Z')
                return rows;
        }
    }

    public Task SendQueryAsync(string command, CancellationToken cancellationToken) =>
        SendAsync('Q', (byte[])[.. Encoding.UTF8.GetBytes(command), 0], cancellationToken);

    public async Task SendAsync(char type, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var message = new byte[HeaderBytes + body.Length];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length + 4);
        body.CopyTo(message.AsMemory(HeaderBytes));
        await WithinAsync(async token =>
        {
            await _stream.WriteAsync(message, token);
            await _stream.FlushAsync(token);
        }, cancellationToken);
    }

    /// <summary>The next message that is no notice. An ErrorResponse is thrown.</summary>
    /// <exception cref="BackupException">Refused, or the server is gone.</exception>
    public async Task<ServerMessage> ReadAsync(CancellationToken cancellationToken)
    {
        for (; ; )
        {
            ServerMessage message = default;
            await WithinAsync(async token => message = await ReadOneAsync(token), cancellationToken);
            if (message.Type == 'E')
                throw Refused(message.Refusal());
            if (message.Type is not ('N' or 'S' or 'A'))
                return message;
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<ServerMessage> ReadOneAsync(CancellationToken cancellationToken)
    {
        await _stream.ReadExactlyAsync(_header, cancellationToken);
        var length = BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(1)) - 4;
        if (length is < 0 or > MessageBytesMax)
            throw new IOException($"A message of {length} bytes: this is no PostgreSQL server.");
        if (_body.Length < length)
            _body = new byte[length];
        await _stream.ReadExactlyAsync(_body.AsMemory(0, length), cancellationToken);
        return new ServerMessage((char)_header[0], _body.AsMemory(0, length));
    }

    private async Task WithinAsync(Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_silenceMax, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await work(both.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unavailable(e);
        }
        catch (IOException e)
        {
            throw Unavailable(e);
        }
    }

    private async Task LogInAsync(NpgsqlConnectionStringBuilder address, CancellationToken cancellationToken)
    {
        var user = address.Username ?? throw new BackupException(
            BackupFault.Invalid, "The database's connection string names no Username.");
        byte[] start =
        [
            0, 0, 0, 0, 0, 3, 0, 0,
            .. Encoding.UTF8.GetBytes($"user\0{user}\0replication\0true\0application_name\0lepton-sync-backup\0\0"),
        ];
        BinaryPrimitives.WriteInt32BigEndian(start, start.Length);
        await _stream.WriteAsync(start, cancellationToken);
        await _stream.FlushAsync(cancellationToken);
        ScramLogin? scram = null;
        for (; ; )
        {
            var message = await ReadAsync(cancellationToken);
            if (message.Type == 'Z')
                return;
            if (message.Type == 'R')
                scram = await AnswerAsync(message, scram, address.Password ?? "", cancellationToken);
        }
    }

    private async Task<ScramLogin?> AnswerAsync(
        ServerMessage message, ScramLogin? scram, string password, CancellationToken cancellationToken)
    {
        const int Ok = 0, Sasl = 10, SaslContinue = 11, SaslFinal = 12;
        var kind = BinaryPrimitives.ReadInt32BigEndian(message.Body.Span);
        var rest = Encoding.UTF8.GetString(message.Body.Span[4..]);
        switch (kind)
        {
            case Ok:
                return null;
            case Sasl when rest.Split('\0').Contains(ScramLogin.Mechanism) && Ascii.IsValid(password):
                scram = new ScramLogin(password, Convert.ToBase64String(RandomNumberGenerator.GetBytes(18)));
                var first = Encoding.ASCII.GetBytes(scram.First);
                var length = new byte[4];
                BinaryPrimitives.WriteInt32BigEndian(length, first.Length);
                await SendAsync(
                    'p', (byte[])[.. Encoding.ASCII.GetBytes(ScramLogin.Mechanism), 0, .. length, .. first],
                    cancellationToken);
                return scram;
            case SaslContinue when scram is not null:
                await SendAsync('p', Encoding.ASCII.GetBytes(scram.Final(rest)), cancellationToken);
                return scram;
            case SaslFinal when scram is not null:
                scram.Check(rest);
                return null;
            default:
                throw new BackupException(
                    BackupFault.ServerRefused, "The database server asks for another way to log in than SCRAM-SHA-256 "
                    + "with an ASCII password; set the role's password with password_encryption = scram-sha-256.");
        }
    }

    private static BackupException Unavailable(Exception e) => new(
        BackupFault.ServerUnavailable, e is OperationCanceledException
            ? "The database server did not answer in time."
            : $"The database server does not answer: {e.Message}", e);

    // Class 57P: it starts, stops or crashed. 08: connections. 53: out of something for now.
    private static BackupException Refused(ServerRefusal refusal) => new(
        refusal.SqlState.StartsWith("57P", StringComparison.Ordinal)
        || refusal.SqlState.StartsWith("08", StringComparison.Ordinal)
            ? BackupFault.ServerUnavailable
            : BackupFault.ServerRefused,
        $"The database server refused ({refusal.SqlState}): {refusal.Message}")
    {
        SqlState = refusal.SqlState,
    };
}
