namespace Lepton.Cli.Login;

/// <summary>Text from elsewhere before it reaches a terminal: printable, bounded, without secrets.</summary>
internal static class ServerText
{
    /// <param name="text">As it came.</param>
    /// <param name="charactersMax">What is beyond is cut off.</param>
    /// <param name="secrets">What was sent and may come back; each is blacked out.</param>
    public static string Clean(string text, int charactersMax, params IEnumerable<string> secrets)
    {
        string told = secrets.Where(s => s.Length > 0)
            .Aggregate(text, (t, secret) => t.Replace(secret, "***", StringComparison.Ordinal));
        return new string(
            [.. told.Take(charactersMax).Select(c => IsPrintable(c) || char.IsLetterOrDigit(c) ? c : '?')]);
    }

    /// <summary>RFC 6749, appendix A: VSCHAR and the space.</summary>
    public static bool IsPrintable(char c) => c is >= ' ' and <= '~';
}
