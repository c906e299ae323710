using System.Net;
using System.Net.Sockets;

namespace Lepton.Testing;

/// <summary>Addresses for services that others must know before they start.</summary>
public static class FreeAddress
{
    // Below what the kernel gives to outgoing connections (32768 and up): none of those takes it in between.
    private const int First = 20_000, Count = 12_000;

    // Each process begins elsewhere: test projects run side by side.
    private static int _last = Environment.ProcessId * 401;

    /// <summary>One on loopback that is free, and that this process gives to nobody else for a long time.</summary>
    public static string Url()
    {
        for (var attempt = 0; attempt < Count; attempt++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _last) % Count);
            if (IsFree(port))
                return $"https://127.0.0.1:{port}";
        }
        throw new InvalidOperationException($"No port from {First} to {First + Count - 1} is free.");
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }
}
