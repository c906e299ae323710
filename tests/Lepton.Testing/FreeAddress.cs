using System.Net;
using System.Net.Sockets;

namespace Lepton.Testing;

/// <summary>Addresses for services that others must know before they start.</summary>
public static class FreeAddress
{
    /// <summary>One on loopback that is free now; somebody else may take it in between.</summary>
    public static string Url()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return $"https://127.0.0.1:{((IPEndPoint)socket.LocalEndPoint!).Port}";
    }
}
