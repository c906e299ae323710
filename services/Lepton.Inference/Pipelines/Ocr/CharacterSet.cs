using Lepton.Inference.V1;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>
/// What the recogniser's classes stand for: class 0 is the blank between characters, the last one a space.
/// </summary>
internal sealed class CharacterSet
{
    private readonly string[] _characters;

    public CharacterSet(IEnumerable<string> keys) => _characters = ["", .. keys, " "];

    public int Count => _characters.Length;

    public string this[int index] => _characters[index];

    /// <summary>One character a line, as PaddleOCR publishes it.</summary>
    public static CharacterSet Read(string path)
    {
        if (!File.Exists(path))
            throw new InferenceRefusal(
                ErrorReason.ModelLoadFailed, $"the recogniser's characters, {Path.GetFileName(path)}, are missing");
        return new CharacterSet(File.ReadAllText(path).TrimEnd('\n').Split('\n').Select(line => line.TrimEnd('\r')));
    }
}
