namespace Lepton.Setup;

/// <summary>A set-up step cannot go on; the message says what is wrong and what to do about it.</summary>
internal sealed class SetupException(string message, Exception? inner = null) : Exception(message, inner);
