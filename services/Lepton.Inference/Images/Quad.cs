using System.Numerics;

namespace Lepton.Inference.Images;

/// <summary>
/// A rectangle at any angle, in pixels of its image: top left, top right, bottom right, bottom left of its text.
/// </summary>
internal readonly record struct Quad(Vector2 TopLeft, Vector2 TopRight, Vector2 BottomRight, Vector2 BottomLeft)
{
    public float Width => Vector2.Distance(TopLeft, TopRight);

    public float Height => Vector2.Distance(TopLeft, BottomLeft);

    public Vector2 Centre => (TopLeft + TopRight + BottomRight + BottomLeft) / 4;

    public Quad Scale(float x, float y)
    {
        var scale = new Vector2(x, y);
        return new(TopLeft * scale, TopRight * scale, BottomRight * scale, BottomLeft * scale);
    }

    /// <summary>Turned by half: for text that stands on its head.</summary>
    public Quad UpsideDown() => new(BottomRight, BottomLeft, TopLeft, TopRight);

    /// <summary>Turned by a quarter: for text that runs down.</summary>
    public Quad Quarter() => new(TopRight, BottomRight, BottomLeft, TopLeft);

    public Quad Clamp(int width, int height)
    {
        var max = new Vector2(width, height);
        return new(Vector2.Clamp(TopLeft, default, max), Vector2.Clamp(TopRight, default, max),
            Vector2.Clamp(BottomRight, default, max), Vector2.Clamp(BottomLeft, default, max));
    }
}
