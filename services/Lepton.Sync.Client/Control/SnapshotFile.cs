using System.Text;
using Lepton.ServiceDefaults;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lepton.Sync.Client;

/// <summary>
/// The last known control data on disk: each record as it was signed, so that it is verified again when it is read, and
/// the time by which it was confirmed. Written beside, flushed, renamed, the folder flushed.
/// </summary>
internal sealed partial class SnapshotFile(string path)
{
    /// <summary>A few records of 1 MiB at most.</summary>
    public const int BytesMax = 64 << 20;

    private const int Format = 1;

    /// <summary>What it holds; null: there is none.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public Content? Read()
    {
        FileInfo file = new(path);
        if (!file.Exists)
            return null;
        if (file.Length > BytesMax)
            throw new InvalidDataException($"{path} takes {BytesMax} bytes at most.");
        try
        {
            var content = JsonSerializer.Deserialize(File.ReadAllBytes(path), Json.Default.Content);
            return content is { Version: Format } ? content : throw new InvalidDataException(
                $"{path} takes a snapshot of format {Format}.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} is damaged: {e.Message}", e);
        }
    }

    /// <exception cref="IOException">It cannot be written; the former one is whole.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public void Write(DateTimeOffset? confirmed, IEnumerable<SignedContent> records)
    {
        Content content = new()
        {
            Version = Format, Confirmed = confirmed,
            Records = records.ToDictionary(r => r.Key, r => Encoding.ASCII.GetString(r.Jws.Span)),
        };
        var folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        Directory.CreateDirectory(folder);
        var fresh = path + ".new";
        using (var stream = new FileStream(fresh, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            JsonSerializer.Serialize(stream, content, Json.Default.Content);
            stream.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
        DurableFolder.Flush(folder);
    }

    internal sealed record Content
    {
        [JsonPropertyName("format")]
        public required int Version { get; init; }

        [JsonPropertyName("confirmed")]
        public DateTimeOffset? Confirmed { get; init; }

        [JsonPropertyName("records")]
        public required Dictionary<string, string> Records { get; init; }
    }

    [JsonSourceGenerationOptions(RespectNullableAnnotations = true)]
    [JsonSerializable(typeof(Content))]
    private sealed partial class Json : JsonSerializerContext;
}
