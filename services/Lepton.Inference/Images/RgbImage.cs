namespace Lepton.Inference.Images;

/// <summary>A decoded image: 8-bit sRGB, three bytes a pixel, rows from the top without gaps.</summary>
internal sealed record RgbImage(int Width, int Height, byte[] Pixels);
