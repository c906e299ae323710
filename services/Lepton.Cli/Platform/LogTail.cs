namespace Lepton.Cli.Platform;

/// <summary>The end of a log, where the reason for a death usually stands.</summary>
internal static class LogTail
{
    private const int LinesMax = 20;
    private const int BytesMax = 64 * 1024;

    public static IReadOnlyList<string> Read(string file)
    {
        if (!File.Exists(file))
        {
            return [$"(no log at {file})"];
        }

        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        stream.Seek(-Math.Min(stream.Length, BytesMax), SeekOrigin.End);
        using StreamReader reader = new(stream);
        string[] lines = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [$"The last lines of {file}:", .. lines.TakeLast(LinesMax).Select(l => "  " + l.TrimEnd())];
    }
}
