using Lepton.Inference.Execution;
using Lepton.Inference.Images;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>A line's text, and the mean probability of its characters, 0 to 1.</summary>
internal readonly record struct RecognizedText(string Text, float Confidence);

/// <summary>
/// Reads a line of text: PP-OCRv4's recogniser over the crop, decoded by CTC's best path (Graves et al. 2006).
/// </summary>
internal sealed class TextRecognizer(Member model, CharacterSet characters)
{
    private const int Height = 48;

    /// <summary>Shorter crops are padded: the recogniser was trained at this width.</summary>
    private const int WidthMin = 160;

    /// <summary>
    /// Widths are multiples of this, so that few shapes occur and ONNX Runtime's plans for them are reused.
    /// </summary>
    private const int WidthStep = 32;

    /// <summary>About 250 characters; a longer line is squeezed.</summary>
    private const int WidthMax = 3200;

    private static readonly Normalization Normalization = new([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);

    public RecognizedText Read(RgbImage image, Quad box, InferenceCall call)
    {
        var width = Math.Clamp((int)MathF.Ceiling(Height * box.Width / Math.Max(1, box.Height)), 8, WidthMax);
        var padded = Math.Max(WidthMin, (width + WidthStep - 1) / WidthStep * WidthStep);
        var crop = Crop.Take(image, box, width, Height);
        var planes = new float[3 * Height * padded]; // zeros, mid-grey, to the right of the text
        LinePlanes.Write(crop, Normalization, planes, padded);
        using var probabilities = model.Run(Tensor.Of(model.InputName, [1, 3, Height, padded], planes), call);
        if (probabilities.Shape is not [1, var steps, var classes] || classes != characters.Count)
            throw new InferenceRefusal(ErrorReason.ExecutionFailed,
                $"model '{model.Name}' gave {TensorShape.Text(probabilities.Shape)}, its table has "
                + $"{characters.Count} characters");
        return Decode(probabilities.Floats, (int)steps, padded, crop);
    }

    private RecognizedText Decode(ReadOnlySpan<float> probabilities, int steps, int padded, RgbImage crop)
    {
        var read = new List<ReadCharacter>();
        var (last, sum) = (0, 0f);
        for (var step = 0; step < steps; step++)
        {
            var row = probabilities.Slice(step * characters.Count, characters.Count);
            var best = IndexOfMax(row);
            if (best != 0 && best != last)
            {
                read.Add(new(characters[best], (step + 0.5f) * padded / steps));
                sum += row[best];
            }
            last = best;
        }
        return read.Count > 0 ? new(WordGaps.Join(crop, read), sum / read.Count) : default;
    }

    private static int IndexOfMax(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }
        return best;
    }
}
