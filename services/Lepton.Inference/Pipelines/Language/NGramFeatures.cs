namespace Lepton.Inference.Pipelines.Language;

/// <summary>A text as the frequencies of known n-grams (1 to 4 UTF-16 units) among all of the same length.</summary>
internal sealed class NGramFeatures
{
    private const int LengthMax = 4;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _index;

    public NGramFeatures(IReadOnlyList<string> ngrams)
    {
        Count = ngrams.Count;
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < ngrams.Count; i++)
            index.Add(ngrams[i], i);
        _index = index.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Count { get; }

    public void Write(string text, Span<float> features)
    {
        var normalized = TextNormalizer.Normalize(text).AsSpan();
        features.Clear();
        for (var length = 1; length <= LengthMax; length++)
        {
            for (var i = 0; i + length <= normalized.Length; i++)
            {
                if (_index.TryGetValue(normalized.Slice(i, length), out var feature))
                    features[feature]++;
            }
        }
        foreach (var (ngram, feature) in _index.Dictionary)
            features[feature] = (float)(features[feature] / (double)Math.Max(1, normalized.Length - ngram.Length + 1));
    }
}
