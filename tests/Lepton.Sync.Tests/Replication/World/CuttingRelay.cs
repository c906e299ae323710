using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Lepton.Sync.Tests.Replication.World;

/// <summary>A wire between two nodes that a test cuts: bytes go on as they are, until they do not.</summary>
internal sealed class CuttingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly ConcurrentBag<Task> _pumps = [];
    private readonly Task _accepting;
    private volatile TaskCompletionSource _through = new();
    private long _bytes;

    public CuttingRelay()
    {
        _through.SetResult();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Where it leads; null: nowhere, connections are closed.</summary>
    public int? Target { get; set; }

    /// <summary>No connection is let through.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Bytes that came through, both ways.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Cuts what is open, wherever it is in a message. New connections go through.</summary>
    public void CutOnce()
    {
        foreach (TcpClient client in _open.Keys)
            client.Close();
    }

    public void Cut()
    {
        IsCut = true;
        CutOnce();
    }

    public void Heal()
    {
        IsCut = false;
        _through.TrySetResult();
    }

    /// <summary>One way only: what the server answers is held back until it is healed, as by a network that loses it.
    /// </summary>
    public void CutAnswers() =>
        _through = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        await Task.WhenAll(_pumps);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                if (IsCut || Target is not { } target)
                    client.Close();
                else
                    _pumps.Add(RelayAsync(client, target));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Over.
        }
    }

    private async Task RelayAsync(TcpClient client, int target)
    {
        using TcpClient server = new();
        try
        {
            _open[client] = true;
            await server.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
            _open[server] = true;
            if (IsCut)
                return;
            await Task.WhenAny(
                PumpAsync(client.GetStream(), server.GetStream(), isAnswer: false),
                PumpAsync(server.GetStream(), client.GetStream(), isAnswer: true));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException
            or ObjectDisposedException or InvalidOperationException)
        {
            // Cut.
        }
        finally
        {
            _open.TryRemove(client, out _);
            _open.TryRemove(server, out _);
            client.Close();
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, bool isAnswer)
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is > 0 and int read)
            {
                if (isAnswer)
                    await _through.Task.WaitAsync(_stop.Token);
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
                Interlocked.Add(ref _bytes, read);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException
            or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
