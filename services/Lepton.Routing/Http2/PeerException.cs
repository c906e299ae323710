namespace Lepton.Routing.Http2;

/// <summary>How an exchange with a peer failed, by what that says of the request.</summary>
internal enum PeerFault
{
    /// <summary>No connection was had: nothing was sent.</summary>
    NotConnected,

    /// <summary>The peer closes the connection and said that it did not take this request (GOAWAY).</summary>
    Unprocessed,

    /// <summary>The stream was refused before any processing (REFUSED_STREAM).</summary>
    RefusedStream,

    /// <summary>The stream was reset, or its answer is none.</summary>
    Broken,

    /// <summary>The connection died or broke the protocol.</summary>
    ConnectionLost,
}

/// <summary>A peer was not reached, or did not answer as it must.</summary>
internal sealed class PeerException(PeerFault fault, string message, Exception? inner = null)
    : IOException(message, inner)
{
    public PeerFault Fault { get; } = fault;
}

/// <summary>The peer broke the protocol in a way that ends the connection.</summary>
internal sealed class Http2Exception(ErrorCode code, string message) : IOException(message)
{
    public ErrorCode Code { get; } = code;
}
