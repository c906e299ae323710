using Lepton.Inference.Execution;
using Lepton.Inference.Images;
using Lepton.Inference.Tensors;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>Tells whether a line stands on its head: PP-OCR's classifier, [upright, turned by 180°].</summary>
internal sealed class OrientationClassifier(Member model)
{
    private const int Width = 192;
    private const int Height = 48;

    /// <summary>Turning an upright line by mistake loses it, so it takes near certainty.</summary>
    private const float Threshold = 0.9f;

    private static readonly Normalization Normalization = new([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    public Quad Upright(RgbImage image, Quad box, InferenceCall call)
    {
        var width = Math.Clamp((int)MathF.Ceiling(Height * box.Width / Math.Max(1, box.Height)), 8, Width);
        var planes = new float[3 * Height * Width];
        LinePlanes.Write(Crop.Take(image, box, width, Height), Normalization, planes, Width);
        using var scores = model.Run(Tensor.Of(model.InputName, [1, 3, Height, Width], planes), call);
        return scores.Floats[1] > Threshold ? box.UpsideDown() : box;
    }
}
