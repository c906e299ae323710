namespace Lepton.Benchmarks.Inference;

/// <summary>A model, its input, and how many requests a client has under way.</summary>
internal sealed record ModelLoad(string Key, string Model, string Input, long[] Shape, int Concurrency)
{
    /// <summary>A line of text, 48 by 320 pixels: what the recogniser was trained on. 184 kB in, 1 MB out.</summary>
    public static readonly ModelLoad Recognizer = new("ocr_rec", "ocr_rec", "x", [1, 3, 48, 320], Concurrency: 4);

    /// <summary>A model of five microseconds: what is left is the way to it and back.</summary>
    public static readonly ModelLoad Language = new("lande", "lande", "ngrams", [1, 620], Concurrency: 16);

    public byte[] Bytes()
    {
        var random = new Random(7);
        var values = new float[Shape.Aggregate(1L, (a, b) => a * b)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)((random.NextDouble() * 2) - 1);
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }
}
