using System.Numerics;
using System.Text;
using Lepton.Inference.Execution;
using Lepton.Inference.Images;
using Lepton.Inference.Tensors;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>The models and the table that the OCR pipeline is made of.</summary>
internal sealed record OcrMembers(Member Detector, Member Classifier, Member Recognizer, CharacterSet Characters);

/// <summary>
/// An image file in, its text out: decode, detect, order, turn upright, read. Input <c>image</c> is one BYTES element
/// (the file) or the file's bytes as UINT8; outputs are one entry a line.
/// </summary>
internal sealed class OcrPipeline(OcrMembers members, InferenceOptions options) : IModel
{
    public IReadOnlyList<TensorSpec> Inputs { get; } =
        [new("image", TensorType.Bytes, [-1], AlsoTakes: TensorType.UInt8)];

    public IReadOnlyList<TensorSpec> Outputs { get; } =
    [
        new("text", TensorType.Bytes, [-1]),
        new("boxes", TensorType.Fp32, [-1, 4, 2]),
        new("confidence", TensorType.Fp32, [-1]),
    ];

    public bool IsReady => members.Detector.IsReady && members.Classifier.IsReady && members.Recognizer.IsReady;

    /// <summary>Where its heavy part runs.</summary>
    public string Provider => members.Recognizer.Provider;

    public IModelInstance CreateInstance() => new OcrInstance(members, options);

    public void Dispose()
    {
        // Its members are models of their own.
    }
}

internal sealed class OcrInstance(OcrMembers members, InferenceOptions options) : IModelInstance
{
    /// <summary>Lines below it are noise that the detector took for text.</summary>
    private const float ConfidenceMin = 0.5f;

    private readonly ImageDecoder _decoder = new(options.ImagePixelsMax);
    private readonly TextDetector _detector = new(members.Detector, options.ImageLinesMax);
    private readonly OrientationClassifier _classifier = new(members.Classifier);
    private readonly TextRecognizer _recognizer = new(members.Recognizer, members.Characters);

    public Tensor[] Run(InferenceCall call, ExecutionClock clock)
    {
        var image = _decoder.Decode(File(call.Inputs[0]).Span, "inputs[0]");
        clock.MarkInputsReady();
        call.Cancellation.ThrowIfCancellationRequested();
        var lines = new List<(Quad Box, RecognizedText Text)>();
        foreach (var box in ReadingOrder.Sort(_detector.Detect(image, call)))
        {
            // A box much taller than wide is a line that runs down.
            var line = box.Height >= box.Width * 1.5f ? box.Quarter() : box;
            var text = _recognizer.Read(image, _classifier.Upright(image, line, call), call);
            if (text.Text is { Length: > 0 } && text.Confidence >= ConfidenceMin)
                lines.Add((box, text));
        }
        clock.MarkExecuted();
        return [.. call.Outputs.Select(name => Output(name, lines))];
    }

    public void Abort()
    {
        // The member that runs is aborted by the same cancellation.
    }

    public void Dispose()
    {
        // Nothing is held between requests.
    }

    private static ReadOnlyMemory<byte> File(Tensor image)
    {
        if (image.Type != TensorType.Bytes)
            return image.Data;
        return image.Strings is [var file]
            ? file
            : throw InferenceRefusal.Input(
                "inputs[0].shape", $"input 'image': {image.Strings.Count} images came, 1 is expected");
    }

    private static Tensor Output(string name, List<(Quad Box, RecognizedText Text)> lines) => name switch
    {
        "text" => Tensor.Of(name, [lines.Count],
            [.. lines.Select(line => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(line.Text.Text)))]),
        "boxes" => Tensor.Of(name, [lines.Count, 4, 2], [.. lines.SelectMany(line => Corners(line.Box))]),
        _ => Tensor.Of(name, [lines.Count], [.. lines.Select(line => line.Text.Confidence)]),
    };

    private static IEnumerable<float> Corners(Quad box)
    {
        foreach (Vector2 corner in (Vector2[])[box.TopLeft, box.TopRight, box.BottomRight, box.BottomLeft])
        {
            yield return corner.X;
            yield return corner.Y;
        }
    }
}
