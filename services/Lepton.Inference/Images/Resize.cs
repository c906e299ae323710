namespace Lepton.Inference.Images;

/// <summary>
/// Resizes by a triangle filter whose width follows the scale: bilinear when enlarging, averaging when shrinking, so
/// that thin strokes don't vanish between samples.
/// </summary>
internal static class Resize
{
    /// <summary>Writes planes B, G, R of floats, each (value − mean) × factor, as the models take them.</summary>
    public static void ToPlanes(RgbImage image, int width, int height, Normalization normalization, Span<float> planes)
    {
        var horizontal = new Taps(image.Width, width);
        var vertical = new Taps(image.Height, height);
        // Rows that were shrunk horizontally, kept while the filter still needs them.
        var rows = new float[vertical.CountMax][];
        var rowOf = new int[rows.Length];
        Array.Fill(rowOf, -1);
        var sum = new float[width * 3];
        for (var y = 0; y < height; y++)
        {
            Array.Clear(sum);
            for (var tap = 0; tap < vertical.Count(y); tap++)
            {
                var source = vertical.First(y) + tap;
                var slot = source % rows.Length;
                if (rowOf[slot] != source)
                {
                    Row(image, source, horizontal, rows[slot] ??= new float[width * 3]);
                    rowOf[slot] = source;
                }
                var weight = vertical.Weight(y, tap);
                var row = rows[slot];
                for (var i = 0; i < sum.Length; i++)
                    sum[i] += row[i] * weight;
            }
            normalization.Write(sum, planes, y * width, width * height);
        }
    }

    private static void Row(RgbImage image, int y, Taps taps, float[] row)
    {
        var pixels = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
        for (var x = 0; x < row.Length / 3; x++)
        {
            float r = 0, g = 0, b = 0;
            var from = taps.First(x) * 3;
            for (var tap = 0; tap < taps.Count(x); tap++, from += 3)
            {
                var weight = taps.Weight(x, tap);
                r += pixels[from] * weight;
                g += pixels[from + 1] * weight;
                b += pixels[from + 2] * weight;
            }
            row[x * 3] = r;
            row[(x * 3) + 1] = g;
            row[(x * 3) + 2] = b;
        }
    }

    /// <summary>For each output place the input places that it is made of, and how much of each.</summary>
    private sealed class Taps
    {
        private readonly int[] _first;
        private readonly int[] _count;
        private readonly float[] _weights;

        public Taps(int from, int to)
        {
            var scale = (double)from / to;
            var reach = Math.Max(1, scale);
            CountMax = (int)Math.Ceiling(reach) * 2 + 1;
            (_first, _count, _weights) = (new int[to], new int[to], new float[to * CountMax]);
            for (var i = 0; i < to; i++)
                Fill(i, ((i + 0.5) * scale) - 0.5, reach, from);
        }

        public int CountMax { get; }

        public int First(int i) => _first[i];

        public int Count(int i) => _count[i];

        public float Weight(int i, int tap) => _weights[(i * CountMax) + tap];

        private void Fill(int i, double centre, double reach, int from)
        {
            _first[i] = Math.Clamp((int)Math.Ceiling(centre - reach), 0, from - 1);
            var last = Math.Clamp((int)Math.Floor(centre + reach), _first[i], from - 1);
            _count[i] = Math.Min(last - _first[i] + 1, CountMax);
            var weights = _weights.AsSpan(i * CountMax, _count[i]);
            var total = 0f;
            for (var tap = 0; tap < weights.Length; tap++)
                total += weights[tap] = (float)Math.Max(0, 1 - (Math.Abs(_first[i] + tap - centre) / reach));
            if (total <= 0)
                (weights[0], total) = (1, 1);
            for (var tap = 0; tap < weights.Length; tap++)
                weights[tap] /= total;
        }
    }
}

/// <summary>Value → (value / 255 − mean) / deviation, per channel in the order blue, green, red.</summary>
internal sealed record Normalization(float[] Mean, float[] Deviation)
{
    public void Write(ReadOnlySpan<float> rgbRow, Span<float> planes, int offset, int planeSize)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            var plane = planes.Slice((channel * planeSize) + offset, rgbRow.Length / 3);
            var scale = 1 / (255 * Deviation[channel]);
            var shift = Mean[channel] / Deviation[channel];
            for (var x = 0; x < plane.Length; x++)
                plane[x] = (rgbRow[(x * 3) + 2 - channel] * scale) - shift;
        }
    }
}
