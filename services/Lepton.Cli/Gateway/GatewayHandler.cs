using System.Net.Http;

namespace Lepton.Cli.Gateway;

/// <summary>
/// Sends each gRPC call to one of several gateways. One that cannot be connected to, TLS included, is passed over at
/// once; gRPC's retry policy sends again what a live one could not take (UNAVAILABLE). Either is asked last for a
/// while.
/// </summary>
/// <remarks>
/// Why not grpc-dotnet's own round_robin or pick_first (2.80 to 2.85): it takes a gateway for ready as soon as TCP
/// connects. One that is killed while the client connects again stays "ready" for good and refuses every call sent to
/// it, and a handshake that hangs ends a call as CANCELLED, which no retry policy repeats. It steps in for any
/// SocketsHttpHandler that it finds, behind a DelegatingHandler too: hence the invoker.
/// </remarks>
internal sealed class GatewayHandler : HttpMessageHandler
{
    private const string unavailable = "14";

    /// <summary>How long TCP and TLS to one gateway may take.</summary>
    private static readonly TimeSpan connectTime = TimeSpan.FromSeconds(3);

    /// <summary>How long a gateway that could not be reached, or not take a call, is asked last.</summary>
    private static readonly TimeSpan weakTime = TimeSpan.FromSeconds(1);

    private readonly Uri[] gateways;
    private readonly long[] weakAt; // 0: its last answer was a good one
    private readonly bool takeTurns;
    private readonly HttpMessageInvoker connections;
    private readonly TimeProvider time;
    private uint turn;

    /// <param name="gateways">https addresses, one at least.</param>
    /// <param name="takeTurns">Whether they are equals; else each call goes to the first that can be reached.</param>
    /// <param name="inner">What connects: the TLS options are its; its time limits are set here.</param>
    /// <param name="time">For how long a gateway is asked last.</param>
    public GatewayHandler(IReadOnlyList<Uri> gateways, bool takeTurns, SocketsHttpHandler inner, TimeProvider time)
    {
        if (gateways.Count == 0 || gateways.Any(g => g.Scheme != Uri.UriSchemeHttps))
        {
            throw new ArgumentException("One https address at least, and no other scheme.", nameof(gateways));
        }

        this.gateways = [.. gateways];
        this.takeTurns = takeTurns;
        this.time = time;
        weakAt = new long[gateways.Count];
        turn = (uint)time.GetTimestamp(); // each command begins somewhere else
        connections = new HttpMessageInvoker(inner, disposeHandler: true);
        inner.UseProxy = false;
        inner.ConnectTimeout = connectTime;
        inner.KeepAlivePingDelay = TimeSpan.FromSeconds(10); // one that hangs is noticed while calls wait for it
        inner.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken)
    {
        List<string> failures = [];
        foreach (int index in Order())
        {
            request.RequestUri = new Uri(gateways[index], (request.RequestUri ?? gateways[index]).PathAndQuery);
            try
            {
                HttpResponseMessage response = await connections.SendAsync(request, cancellationToken);
                Volatile.Write(ref weakAt[index], CouldNotTakeIt(response) ? time.GetTimestamp() : 0);
                return response;
            }
            catch (Exception e) when (NothingWasSent(e) && !cancellationToken.IsCancellationRequested)
            {
                Volatile.Write(ref weakAt[index], time.GetTimestamp());
                failures.Add($"{gateways[index].Authority}: {e.GetBaseException().Message}");
            }
        }

        // An IOException beneath is what the gRPC client makes UNAVAILABLE of.
        IOException each = new(string.Join("; ", failures));
        throw new HttpRequestException(HttpRequestError.ConnectionError, "No gateway can be reached.", each);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            connections.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>No connection came about: refused, no such name, TLS not agreed on, or not in time.</summary>
    private static bool NothingWasSent(Exception e) =>
        e is OperationCanceledException { InnerException: TimeoutException }
        || e is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError
        };

    /// <summary>A call that was refused without any answer has its status among the headers.</summary>
    private static bool CouldNotTakeIt(HttpResponseMessage response) =>
        response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? status) && status.First() == unavailable;

    private IEnumerable<int> Order()
    {
        uint first = takeTurns ? Interlocked.Increment(ref turn) : 0;
        return Enumerable.Range(0, gateways.Length)
            .Select(i => (int)((first + (uint)i) % (uint)gateways.Length))
            .OrderBy(WeakSince);
    }

    /// <summary>0 for one that may be asked in its turn; the others come after, longest passed over first.</summary>
    private long WeakSince(int index) =>
        Volatile.Read(ref weakAt[index]) is > 0 and long at && time.GetElapsedTime(at) < weakTime ? at : 0;
}
