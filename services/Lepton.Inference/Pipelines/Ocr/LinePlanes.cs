using Lepton.Inference.Images;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>Writes a crop into the left of wider planes, as the line models take it.</summary>
internal static class LinePlanes
{
    public static void Write(RgbImage crop, Normalization normalization, Span<float> planes, int planeWidth)
    {
        var row = new float[crop.Width * 3];
        for (var y = 0; y < crop.Height; y++)
        {
            for (var i = 0; i < row.Length; i++)
                row[i] = crop.Pixels[(y * row.Length) + i];
            normalization.Write(row, planes, y * planeWidth, planeWidth * crop.Height);
        }
    }
}
