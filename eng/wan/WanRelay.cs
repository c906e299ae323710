using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Lepton.Wan;

/// <summary>Listens for one link and passes its connections on with the link's delay.</summary>
internal sealed class WanRelay : IAsyncDisposable
{
    private const int Backlog = 512;
    private const int ConnectionsMax = 1024;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromMilliseconds(100);

    private readonly WanLink link;
    private readonly TimeProvider time;
    private readonly Action<string> log;
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource stop = new();
    private readonly SemaphoreSlim places = new(ConnectionsMax);
    private readonly ConcurrentDictionary<Task, byte> connections = new();
    private readonly Task accepting;

    public WanRelay(WanLink link, TimeProvider time, Action<string> log)
    {
        this.link = link;
        this.time = time;
        this.log = log;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, link.ListenPort));
        listener.Listen(Backlog);
        EndPoint = listener.LocalEndPoint as IPEndPoint
            ?? throw new InvalidOperationException("The socket is not bound.");
        accepting = AcceptAsync();
    }

    public IPEndPoint EndPoint { get; }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        await Task.WhenAll(connections.Keys);
        places.Dispose();
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await places.WaitAsync(stop.Token);
                if (await AcceptOneAsync() is not { } near)
                    continue;
                var connection = RelayAsync(near);
                connections[connection] = 0;
                _ = connection.ContinueWith(
                    ended => connections.TryRemove(ended, out _), CancellationToken.None,
                    TaskContinuationOptions.None, TaskScheduler.Default);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end of the relay.
        }
    }

    private async Task<Socket?> AcceptOneAsync()
    {
        try
        {
            return await listener.AcceptAsync(stop.Token);
        }
        catch (SocketException exception)
        {
            // The caller left before it was accepted, or this process has too many files open.
            log($"a connection was not accepted: {exception.Message}");
            places.Release();
            await Task.Delay(AcceptRetryDelay, time, stop.Token);
            return null;
        }
    }

    private async Task RelayAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        near.NoDelay = far.NoDelay = true;
        try
        {
            await ConnectAsync(far);
            var oneWay = link.RoundTrip / 2;
            await Task.WhenAll(
                new DelayLine(near, far, oneWay, time).RunAsync(ended),
                new DelayLine(far, near, oneWay, time).RunAsync(ended));
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            if (!far.Connected && !stop.IsCancellationRequested)
                log($"{link.Target} cannot be reached: {exception.Message}");
            // Both ends learn of it as of any broken connection.
            near.LingerState = far.LingerState = new LingerOption(true, 0);
        }
        finally
        {
            near.Dispose();
            places.Release();
        }
    }

    private async Task ConnectAsync(Socket far)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        limit.CancelAfter(ConnectTimeout);
        await far.ConnectAsync(link.Target, limit.Token);
    }
}
