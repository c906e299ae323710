using System.Security.Authentication;

namespace Lepton.Routing.Http2;

/// <summary>
/// The connections to one peer: one, and another whenever all have as many streams as the peer allows. A request that
/// finds none waits for the one that is being opened.
/// </summary>
internal sealed class PeerLink(
    Func<CancellationToken, Task<Stream>> dial, Action<int> counted, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _closing = new();
    private volatile Http2Connection[] _open = [];
    private Task<Http2Connection>? _opening;

    /// <summary>A connection with room; null: one has to be opened.</summary>
    public Http2Connection? Ready
    {
        get
        {
            foreach (Http2Connection connection in _open)
                if (connection.HasRoom)
                    return connection;
            return null;
        }
    }

    /// <summary>A connection with room, opened if need be.</summary>
    /// <exception cref="PeerException">None could be had.</exception>
    public async ValueTask<Http2Connection> GetAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (Ready is { } ready)
                return ready;
            Task<Http2Connection> opening;
            lock (_gate)
                opening = _opening ??= OpenAsync();
            Http2Connection opened = await opening.WaitAsync(cancellation);
            if (opened.HasRoom)
                return opened; // else so many waited with us that it is full, or it has gone
        }
    }

    /// <summary>What is under way goes on; nothing new is taken.</summary>
    public void Dispose()
    {
        if (_closing.IsCancellationRequested)
            return;
        _closing.Cancel();
        foreach (Http2Connection connection in _open)
            connection.Leave();
    }

    private async Task<Http2Connection> OpenAsync()
    {
        await Task.Yield(); // not under the lock of whoever asked first
        using CancellationTokenSource limit = new(ConnectMax, time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _closing.Token);
        try
        {
            Stream stream = await dial(either.Token);
            Http2Connection connection = await Http2Connection.StartAsync(stream, time, Remove, either.Token);
            Add(connection);
            return connection;
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or AuthenticationException
            or OperationCanceledException or ObjectDisposedException)
        {
            throw new PeerException(PeerFault.NotConnected, limit.IsCancellationRequested
                ? $"No connection within {ConnectMax.TotalSeconds} s." : e.Message, e);
        }
        finally
        {
            lock (_gate)
                _opening = null;
        }
    }

    private void Add(Http2Connection connection)
    {
        lock (_gate)
            _open = [.. _open, connection];
        counted(1);
        if (!connection.HasRoom)
            Remove(connection); // it went before it was here
        if (_closing.IsCancellationRequested)
            connection.Leave();
    }

    private void Remove(Http2Connection connection)
    {
        lock (_gate)
        {
            if (!_open.Contains(connection))
                return;
            _open = [.. _open.Where(c => !ReferenceEquals(c, connection))];
        }
        counted(-1);
    }
}
