namespace Lepton.Routing.Resilience;

/// <summary>How an attempt failed, by what that says of the work: none, certainly; or perhaps some.</summary>
internal enum Failure
{
    /// <summary>It did not: there is an answer to pass on.</summary>
    None,

    /// <summary>No connection was had: nothing was sent.</summary>
    NotSent,

    /// <summary>The place took no work and said so, in words of ours or of HTTP/2.</summary>
    Refused,

    /// <summary>Its queue is full: it took no work, and is well.</summary>
    Full,

    /// <summary>Something was sent and no word of ours tells what became of it: it may have run.</summary>
    MayHaveRun,
}
