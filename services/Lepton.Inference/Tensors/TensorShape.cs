namespace Lepton.Inference.Tensors;

internal static class TensorShape
{
    public static string Text(IEnumerable<long> shape) => $"[{string.Join(',', shape)}]";

    /// <summary>
    /// Number of elements; null when a dimension is negative or the product passes <paramref name="max"/>.
    /// </summary>
    public static long? Count(ReadOnlySpan<long> shape, long max)
    {
        var product = 1L;
        foreach (var dimension in shape)
        {
            if (dimension < 0 || (product != 0 && dimension > max / product))
                return null;
            product *= dimension;
        }
        return product;
    }

    /// <summary>A dimension of −1 takes any size.</summary>
    public static bool Fits(ReadOnlySpan<long> shape, ReadOnlySpan<long> expected)
    {
        if (shape.Length != expected.Length)
            return false;
        for (var i = 0; i < shape.Length; i++)
        {
            if (expected[i] >= 0 && shape[i] != expected[i])
                return false;
        }
        return true;
    }
}
