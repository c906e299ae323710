using System.Numerics;
using Lepton.Inference.Images;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>A rectangle by its centre, its two unit axes and its size along them.</summary>
internal readonly record struct RotatedRectangle(Vector2 Centre, Vector2 AxisX, Vector2 AxisY, Vector2 Size)
{
    public float ShortSide => Math.Min(Size.X, Size.Y);

    /// <summary>
    /// The smallest rectangle around some points: one of its sides lies along their hull (Freeman, Shapira 1975).
    /// </summary>
    public static RotatedRectangle Around(List<Vector2> points)
    {
        var hull = ConvexHull(points);
        var best = Along(hull, Vector2.UnitX);
        for (var i = 0; i < hull.Count; i++)
        {
            var edge = hull[(i + 1) % hull.Count] - hull[i];
            if (edge.LengthSquared() < 1e-6f)
                continue;
            var candidate = Along(hull, Vector2.Normalize(edge));
            // Nearly as small and upright is better than smallest and a hair tilted.
            if (candidate.Size.X * candidate.Size.Y < best.Size.X * best.Size.Y * 0.97f)
                best = candidate;
        }
        return best;
    }

    public bool Contains(Vector2 point)
    {
        var offset = point - Centre;
        return Math.Abs(Vector2.Dot(offset, AxisX)) <= Size.X / 2 && Math.Abs(Vector2.Dot(offset, AxisY)) <= Size.Y / 2;
    }

    public RotatedRectangle Grow(float distance) => this with { Size = Size + new Vector2(2 * distance) };

    /// <summary>Its corners, starting from the one nearest to the image's top left.</summary>
    public Quad ToQuad()
    {
        // The axis that is more horizontal reads from left to right, the other from top to bottom.
        var (x, y, size) = Math.Abs(AxisX.X) >= Math.Abs(AxisY.X)
            ? (AxisX, AxisY, Size)
            : (AxisY, AxisX, new Vector2(Size.Y, Size.X));
        var right = (x.X < 0 ? -x : x) * size.X / 2;
        var down = (y.Y < 0 ? -y : y) * size.Y / 2;
        return new(Centre - right - down, Centre + right - down, Centre + right + down, Centre - right + down);
    }

    private static RotatedRectangle Along(List<Vector2> hull, Vector2 axis)
    {
        var normal = new Vector2(-axis.Y, axis.X);
        var min = new Vector2(float.MaxValue);
        var max = new Vector2(float.MinValue);
        foreach (var point in hull)
        {
            var along = new Vector2(Vector2.Dot(point, axis), Vector2.Dot(point, normal));
            min = Vector2.Min(min, along);
            max = Vector2.Max(max, along);
        }
        var middle = (min + max) / 2;
        return new((axis * middle.X) + (normal * middle.Y), axis, normal, max - min);
    }

    /// <summary>Andrew's monotone chain.</summary>
    private static List<Vector2> ConvexHull(List<Vector2> points)
    {
        var sorted = points.Distinct().OrderBy(p => p.X).ThenBy(p => p.Y).ToList();
        if (sorted.Count < 3)
            return sorted;
        var hull = Chain(sorted);
        sorted.Reverse();
        hull.AddRange(Chain(sorted));
        return hull;
    }

    private static List<Vector2> Chain(List<Vector2> sorted)
    {
        var chain = new List<Vector2>();
        foreach (var point in sorted)
        {
            while (chain.Count >= 2 && Turn(chain[^2], chain[^1], point) <= 0)
                chain.RemoveAt(chain.Count - 1);
            chain.Add(point);
        }
        chain.RemoveAt(chain.Count - 1);
        return chain;
    }

    private static float Turn(Vector2 a, Vector2 b, Vector2 c) =>
        ((b.X - a.X) * (c.Y - a.Y)) - ((b.Y - a.Y) * (c.X - a.X));
}
