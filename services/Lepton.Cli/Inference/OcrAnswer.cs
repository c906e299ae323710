using OpenInference;

namespace Lepton.Cli.Inference;

/// <summary>A line of text that the model read: its four corners in pixels, clockwise from the top left.</summary>
internal sealed record TextLine(string Text, float Confidence, IReadOnlyList<(float X, float Y)> Box);

/// <summary>The answer of the <c>ocr</c> ensemble.</summary>
internal sealed record OcrAnswer(IReadOnlyList<TextLine> Lines)
{
    private const int CornersPerBox = 4;

    public const string Model = "ocr";

    public string Text => string.Join('\n', Lines.Select(l => l.Text));

    public static ModelInferRequest Request(ReadOnlySpan<byte> image) => Tensors.Request(Model, "image", image);

    public static OcrAnswer From(ModelInferResponse response)
    {
        IReadOnlyList<string> texts = Tensors.Strings(response, "text");
        float[] confidences = Tensors.Floats(response, "confidence");
        float[] boxes = Tensors.Floats(response, "boxes");
        if (confidences.Length != texts.Count || boxes.Length != texts.Count * CornersPerBox * 2)
        {
            throw Tensors.Malformed(response, "boxes",
                $"{texts.Count} texts, {confidences.Length} confidences and {boxes.Length} coordinates do not match");
        }

        return new OcrAnswer([.. texts.Select((text, i) => new TextLine(text, confidences[i], Box(boxes, i)))]);
    }

    private static IReadOnlyList<(float X, float Y)> Box(float[] boxes, int line)
    {
        int at = line * CornersPerBox * 2;
        return [.. Enumerable.Range(0, CornersPerBox).Select(c => (boxes[at + (2 * c)], boxes[at + (2 * c) + 1]))];
    }
}
