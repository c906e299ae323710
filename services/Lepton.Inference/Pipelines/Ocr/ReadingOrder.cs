using Lepton.Inference.Images;

namespace Lepton.Inference.Pipelines.Ocr;

/// <summary>Puts boxes in the order of reading: rows from the top, in a row from the left.</summary>
internal static class ReadingOrder
{
    public static List<Quad> Sort(IReadOnlyList<Quad> boxes)
    {
        var rows = new List<List<Quad>>();
        foreach (var box in boxes.OrderBy(b => b.Centre.Y))
        {
            // Same row: its middle lies within the middle half of the row's first or last box.
            var row = rows.LastOrDefault();
            if (row is not null && (SameRow(row[0], box) || SameRow(row[^1], box)))
                row.Add(box);
            else
                rows.Add([box]);
        }
        return [.. rows.SelectMany(row => row.OrderBy(b => b.Centre.X))];
    }

    private static bool SameRow(Quad a, Quad b) =>
        Math.Abs(a.Centre.Y - b.Centre.Y) < Math.Min(Extent(a), Extent(b)) / 2;

    /// <summary>Height of the line itself, also of a tilted one.</summary>
    private static float Extent(Quad box) => Math.Min(box.Width, box.Height);
}
