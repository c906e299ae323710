using System.Numerics;

namespace Lepton.Inference.Images;

/// <summary>Cuts a turned rectangle out of an image, upright, at the size that a model takes.</summary>
internal static class Crop
{
    /// <summary>Samples <paramref name="quad"/> into a new image of the given size.</summary>
    public static RgbImage Take(RgbImage image, Quad quad, int width, int height)
    {
        var crop = new RgbImage(width, height, GC.AllocateUninitializedArray<byte>(width * height * 3));
        var right = (quad.TopRight - quad.TopLeft) / width;
        var down = (quad.BottomLeft - quad.TopLeft) / height;
        // Shrinking takes several samples a pixel: one alone would skip thin strokes.
        var across = Math.Clamp((int)MathF.Ceiling(right.Length()), 1, 8);
        var along = Math.Clamp((int)MathF.Ceiling(down.Length()), 1, 8);
        for (int y = 0, to = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++, to += 3)
            {
                var sum = Vector3.Zero;
                for (var j = 0; j < along; j++)
                {
                    for (var i = 0; i < across; i++)
                        sum += Sample(image, quad.TopLeft + (right * (x + ((i + 0.5f) / across)))
                            + (down * (y + ((j + 0.5f) / along))));
                }
                sum /= across * along;
                crop.Pixels[to] = (byte)(sum.X + 0.5f);
                crop.Pixels[to + 1] = (byte)(sum.Y + 0.5f);
                crop.Pixels[to + 2] = (byte)(sum.Z + 0.5f);
            }
        }
        return crop;
    }

    /// <summary>Bilinear; outside the image its edge goes on.</summary>
    private static Vector3 Sample(RgbImage image, Vector2 at)
    {
        var x = Math.Clamp(at.X - 0.5f, 0, image.Width - 1);
        var y = Math.Clamp(at.Y - 0.5f, 0, image.Height - 1);
        var (left, top) = ((int)x, (int)y);
        var (right, bottom) = (Math.Min(left + 1, image.Width - 1), Math.Min(top + 1, image.Height - 1));
        var upper = Vector3.Lerp(Pixel(image, left, top), Pixel(image, right, top), x - left);
        var lower = Vector3.Lerp(Pixel(image, left, bottom), Pixel(image, right, bottom), x - left);
        return Vector3.Lerp(upper, lower, y - top);
    }

    private static Vector3 Pixel(RgbImage image, int x, int y)
    {
        var at = ((y * image.Width) + x) * 3;
        return new(image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]);
    }
}
