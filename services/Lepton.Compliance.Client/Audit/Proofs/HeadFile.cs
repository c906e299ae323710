using System.Text.Json;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Client.Audit.Proofs;

/// <summary>A tree head in a file of its own, in the form of an export's line: what a later export is held
/// against.</summary>
public static class HeadFile
{
    /// <summary>One line of JSON.</summary>
    public static string Write(TreeHead head) => JsonSerializer.Serialize(
        new ExportLines.Line { Head = ExportLines.HeadLine.Of(head) }, ExportLines.Json);

    /// <summary>The head in it; of an export, its head.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static TreeHead Read(IEnumerable<string> lines)
    {
        ArgumentNullException.ThrowIfNull(lines);
        try
        {
            foreach (var line in lines.Where(l => l.Contains("\"head\"", StringComparison.Ordinal)))
                if (JsonSerializer.Deserialize<ExportLines.Line>(line, ExportLines.Json)?.Head is { } head)
                    return head.ToHead();
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The head cannot be read: {e.Message}", e);
        }
        throw new InvalidDataException("There is no tree head in it: one line {\"head\":{...}}, or an export.");
    }
}
