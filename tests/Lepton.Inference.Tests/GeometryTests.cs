using System.Numerics;
using Lepton.Inference.Images;
using Lepton.Inference.Pipelines.Ocr;

namespace Lepton.Inference.Tests;

public sealed class GeometryTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(12)]
    [InlineData(-30)]
    public void Around_PointsOfATiltedRectangle_FindsIt(float degrees)
    {
        var turn = Matrix3x2.CreateRotation(degrees * MathF.PI / 180);
        var points = new List<Vector2>();
        for (var x = 0; x <= 40; x += 4)
        {
            for (var y = 0; y <= 10; y += 2)
                points.Add(Vector2.Transform(new Vector2(x, y), turn) + new Vector2(100, 100));
        }

        var quad = RotatedRectangle.Around(points).ToQuad();

        Assert.Equal(40, quad.Width, 0.1);
        Assert.Equal(10, quad.Height, 0.1);
        Assert.Equal(0, Vector2.Distance(new Vector2(100, 100), quad.TopLeft), 0.1);
    }

    [Fact]
    public void Extract_TwoBlobsAndNoise_GivesTwoGrownBoxes()
    {
        var map = new float[100 * 60];
        Fill(map, 10, 10, 40, 8, 0.9f);
        Fill(map, 10, 40, 30, 6, 0.8f);
        Fill(map, 90, 5, 2, 2, 0.9f); // too small
        Fill(map, 70, 40, 20, 8, 0.4f); // too unsure

        var boxes = BoxExtractor.Extract(map, 100, 60, boxesMax: 10);

        Assert.Equal(2, boxes.Count);
        // Growth = 40 × 8 × 2 / (2 × 48) on every side.
        Assert.Equal(40 + (2 * 6.667), boxes[0].Width, 0.1);
        Assert.Equal(8 + (2 * 6.667), boxes[0].Height, 0.1);
        Assert.Single(BoxExtractor.Extract(map, 100, 60, boxesMax: 1));
    }

    [Fact]
    public void Sort_TableOfBoxes_IsRowByRow()
    {
        Quad[] boxes = [Box(300, 52), Box(10, 100), Box(10, 50), Box(160, 47), Box(160, 102)];

        var sorted = ReadingOrder.Sort(boxes);

        Assert.Equal([boxes[2], boxes[3], boxes[0], boxes[1], boxes[4]], sorted);
    }

    [Fact]
    public void ToPlanes_Shrinking_Averages()
    {
        // Columns of black and white alternate: a filter that skips would give one of them.
        var image = new RgbImage(64, 64, new byte[64 * 64 * 3]);
        for (var i = 0; i < image.Pixels.Length; i++)
            image.Pixels[i] = (byte)(i / 3 % 2 == 0 ? 0 : 255);
        var planes = new float[3 * 16 * 16];

        Resize.ToPlanes(image, 16, 16, new Normalization([0, 0, 0], [1, 1, 1]), planes);

        Assert.All(planes, value => Assert.InRange(value, 0.45f, 0.55f));
    }

    [Fact]
    public void ToPlanes_SameSize_IsTheImageInBlueGreenRed()
    {
        var image = new RgbImage(1, 1, [255, 128, 0]);
        var planes = new float[3];

        Resize.ToPlanes(image, 1, 1, new Normalization([0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]), planes);

        Assert.Equal([-1f, (128 / 127.5f) - 1, 1f], planes, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    private static Quad Box(float x, float y) => new(new(x, y), new(x + 100, y), new(x + 100, y + 20), new(x, y + 20));

    private static void Fill(float[] map, int left, int top, int width, int height, float value)
    {
        for (var y = top; y < top + height; y++)
            map.AsSpan((y * 100) + left, width).Fill(value);
    }
}
