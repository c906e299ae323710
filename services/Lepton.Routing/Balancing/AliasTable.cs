namespace Lepton.Routing.Balancing;

/// <summary>
/// Draws an index in proportion to its weight in constant time: Walker 1977, built by Vose 1991. Immutable.
/// </summary>
internal sealed class AliasTable
{
    private readonly Cell[] _cells;

    private readonly record struct Cell(double Threshold, int Alias);

    private AliasTable(Cell[] cells) => _cells = cells;

    /// <summary>Builds the table. Weights that are not positive numbers are never drawn, unless none is.</summary>
    public static AliasTable Build(ReadOnlySpan<double> weights)
    {
        int n = weights.Length;
        double[] scaled = new double[n];
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += scaled[i] = double.IsFinite(weights[i]) && weights[i] > 0 ? weights[i] : 0;
        for (int i = 0; i < n; i++)
            scaled[i] = sum > 0 ? scaled[i] * n / sum : 1;

        Cell[] cells = new Cell[n];
        Stack<int> small = new(n), large = new(n);
        for (int i = 0; i < n; i++)
            (scaled[i] < 1 ? small : large).Push(i);
        while (small.Count > 0 && large.Count > 0)
        {
            int less = small.Pop(), more = large.Pop();
            cells[less] = new Cell(scaled[less], more);
            scaled[more] -= 1 - scaled[less];
            (scaled[more] < 1 ? small : large).Push(more);
        }
        foreach (int i in large)
            cells[i] = new Cell(1, i);
        foreach (int i in small) // left over by rounding only
            cells[i] = new Cell(1, i);
        return new AliasTable(cells);
    }

    public int Count => _cells.Length;

    /// <summary>
    /// The index that this draw in [0, 1) falls on; its whole part picks the cell, its fraction the side.
    /// </summary>
    public int Find(double draw)
    {
        double at = draw * _cells.Length;
        int i = (int)at;
        ref readonly Cell cell = ref _cells[i];
        return at - i < cell.Threshold ? i : cell.Alias;
    }
}
