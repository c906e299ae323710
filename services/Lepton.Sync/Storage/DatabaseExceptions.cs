namespace Lepton.Sync.Storage;

/// <summary>The database does not answer, or is too busy: <b>nothing was done</b>. It may be tried again.</summary>
internal sealed class DatabaseUnavailableException(string message, Exception? inner = null)
    : Exception(message, inner);

/// <summary>
/// The connection was lost, or the deadline passed, between the order to commit and its answer: it <b>may have been
/// done</b>, and may still be.
/// </summary>
internal sealed class DatabaseOutcomeUnknownException(string message, Exception? inner = null)
    : Exception(message, inner);
