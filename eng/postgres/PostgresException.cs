namespace Lepton.Postgres;

/// <summary>The supervisor cannot go on; the message says what is wrong.</summary>
internal sealed class PostgresException(string message, Exception? inner = null) : Exception(message, inner);
