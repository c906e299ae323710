using Lepton.Inference.Execution;
using Lepton.Inference.Images;
using Lepton.Inference.Tensors;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>Finds text in an image: PP-OCRv4's detector gives each pixel's probability of being text.</summary>
internal sealed class TextDetector(Member model, int linesMax)
{
    /// <summary>The detector halves the image five times, so both sides are multiples of 32.</summary>
    private const int Step = 32;

    /// <summary>Long side that an image is shrunk to: small print of a scanned page still has its strokes.</summary>
    private const int SideMax = 1280;

    /// <summary>
    /// Long side that a small image is enlarged to, at most twofold: a label's few words are found whole.
    /// </summary>
    private const int SideMin = 640;

    // The values that the detector was trained with: ImageNet's, applied to blue, green, red in this order.
    private static readonly Normalization Normalization = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>Boxes in the image's pixels, in no particular order.</summary>
    public IReadOnlyList<Quad> Detect(RgbImage image, InferenceCall call)
    {
        var (width, height) = Size(image);
        var planes = new float[3 * width * height];
        Resize.ToPlanes(image, width, height, Normalization, planes);
        using var map = model.Run(Tensor.Of(model.InputName, [1, 3, height, width], planes), call);
        var boxes = BoxExtractor.Extract(map.Floats, width, height, linesMax);
        var (scaleX, scaleY) = ((float)image.Width / width, (float)image.Height / height);
        return [.. boxes.Select(box => box.Scale(scaleX, scaleY).Clamp(image.Width, image.Height))];
    }

    private static (int Width, int Height) Size(RgbImage image)
    {
        var side = Math.Max(image.Width, image.Height);
        var scale = side > SideMax ? (double)SideMax / side : Math.Min(2, Math.Max(1, (double)SideMin / side));
        return (Round(image.Width * scale), Round(image.Height * scale));
    }

    private static int Round(double side) => Math.Max(Step, (int)Math.Round(side / Step) * Step);
}
