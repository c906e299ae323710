namespace Lepton.Routing.Health;

/// <summary>What the end of a request says of the place that it was sent to.</summary>
internal enum Outcome
{
    /// <summary>Nothing: the caller gave up, or the request itself was at fault.</summary>
    Unjudged,

    /// <summary>It answered.</summary>
    Good,

    /// <summary>It was reached and failed: this model there, and perhaps more.</summary>
    Failed,

    /// <summary>The connection failed: no model there fares better.</summary>
    Unreachable,

    /// <summary>It refused for lack of room: well, and full.</summary>
    Overloaded,

    /// <summary>No byte of an answer within a time in which it should have come.</summary>
    TimedOut,
}
