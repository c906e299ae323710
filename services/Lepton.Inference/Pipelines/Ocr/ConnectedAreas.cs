using System.Numerics;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>
/// The areas of a map above a threshold, 8-connected, each as the corners of its outermost pixels in every row: enough
/// for its convex hull.
/// </summary>
internal sealed class ConnectedAreas
{
    private readonly List<List<Vector2>> _areas = [];

    public ConnectedAreas(ReadOnlySpan<float> map, int width, int height, float threshold)
    {
        var open = new bool[map.Length];
        for (var i = 0; i < map.Length; i++)
            open[i] = map[i] > threshold;
        var stack = new Stack<int>();
        for (var start = 0; start < open.Length; start++)
        {
            if (open[start])
                _areas.Add(Flood(open, width, height, start, stack));
        }
    }

    public List<List<Vector2>>.Enumerator GetEnumerator() => _areas.GetEnumerator();

    private static List<Vector2> Flood(bool[] open, int width, int height, int start, Stack<int> stack)
    {
        var rows = new Dictionary<int, (int Left, int Right)>();
        stack.Push(start);
        open[start] = false;
        while (stack.TryPop(out var place))
        {
            var (y, x) = Math.DivRem(place, width);
            rows[y] = rows.TryGetValue(y, out var row) ? (Math.Min(row.Left, x), Math.Max(row.Right, x)) : (x, x);
            for (var ny = Math.Max(0, y - 1); ny <= Math.Min(height - 1, y + 1); ny++)
            {
                for (var nx = Math.Max(0, x - 1); nx <= Math.Min(width - 1, x + 1); nx++)
                {
                    var next = (ny * width) + nx;
                    if (!open[next])
                        continue;
                    open[next] = false;
                    stack.Push(next);
                }
            }
        }
        var points = new List<Vector2>(rows.Count * 4);
        foreach (var (y, (left, right)) in rows)
            points.AddRange([new(left, y), new(right + 1, y), new(left, y + 1), new(right + 1, y + 1)]);
        return points;
    }
}
