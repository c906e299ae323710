namespace Lepton.Routing.Tests.World;

/// <summary>What befalls a request on a node, below gRPC.</summary>
internal enum WireFault
{
    None,

    /// <summary>The whole request came; then the connection is reset.</summary>
    ResetConnection,

    /// <summary>The whole request came; then its HTTP/2 stream is reset.</summary>
    ResetStream,

    /// <summary>Head and a part of the answer go out; then its HTTP/2 stream is reset.</summary>
    BreakAnswer,

    /// <summary>No answer, until somebody gives up.</summary>
    Hang,
}
