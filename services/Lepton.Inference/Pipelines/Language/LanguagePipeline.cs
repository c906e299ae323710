using System.Text;
using Lepton.Inference.Execution;
using Lepton.Inference.Tensors;
using Lepton.Inference.V1;

namespace Lepton.Inference.Pipelines.Language;

/// <summary>Texts in, the language of each and how sure that is out.</summary>
internal sealed class LanguagePipeline(LanguageTables tables, Member classifier, int textCountMax) : IModel
{
    public IReadOnlyList<TensorSpec> Inputs { get; } = [new("text", TensorType.Bytes, [-1])];

    public IReadOnlyList<TensorSpec> Outputs { get; } =
        [new("language", TensorType.Bytes, [-1]), new("confidence", TensorType.Fp32, [-1])];

    public bool IsReady => classifier.IsReady;

    public string Provider => classifier.Provider;

    public IModelInstance CreateInstance() => new LanguageInstance(tables, classifier, textCountMax);

    public void Dispose()
    {
        // Its member is a model of its own.
    }
}

internal sealed class LanguageInstance(LanguageTables tables, Member classifier, int textCountMax) : IModelInstance
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private readonly NGramFeatures _features = new(tables.NGrams);

    public Tensor[] Run(InferenceCall call, ExecutionClock clock)
    {
        var texts = call.Inputs[0].Strings;
        if (texts.Count == 0 || texts.Count > textCountMax)
            throw InferenceRefusal.Input(
                "inputs[0].shape", $"input 'text': {texts.Count} texts came, 1 to {textCountMax} are expected");
        var features = new float[texts.Count * _features.Count];
        for (var i = 0; i < texts.Count; i++)
            _features.Write(Text(texts[i].Span, i), features.AsSpan(i * _features.Count, _features.Count));
        clock.MarkInputsReady();
        using var probabilities = classifier.Run(
            Tensor.Of(classifier.InputName, [texts.Count, _features.Count], features), call);
        clock.MarkExecuted();
        if (probabilities.Shape is not [_, var width] || width != tables.Languages.Count)
            throw new InferenceRefusal(ErrorReason.ExecutionFailed, $"model '{classifier.Name}' gave "
                + $"{TensorShape.Text(probabilities.Shape)}, its table has {tables.Languages.Count} languages");
        return Answer(call.Outputs, probabilities.Floats, texts.Count);
    }

    public void Abort()
    {
        // The member that runs is aborted by the same cancellation.
    }

    public void Dispose()
    {
        // Nothing is held between requests.
    }

    private Tensor[] Answer(IReadOnlyList<string> outputs, ReadOnlySpan<float> probabilities, int count)
    {
        var languages = new ReadOnlyMemory<byte>[count];
        var confidence = new float[count];
        for (var i = 0; i < count; i++)
        {
            var row = probabilities.Slice(i * tables.Languages.Count, tables.Languages.Count);
            var best = 0;
            for (var j = 1; j < row.Length; j++)
                best = row[j] > row[best] ? j : best;
            languages[i] = Encoding.UTF8.GetBytes(tables.Languages[best]);
            confidence[i] = row[best];
        }
        return [.. outputs.Select(name => name == "language"
            ? Tensor.Of(name, [count], languages)
            : Tensor.Of(name, [count], confidence))];
    }

    private static string Text(ReadOnlySpan<byte> utf8, int index)
    {
        try
        {
            return StrictUtf8.GetString(utf8);
        }
        catch (DecoderFallbackException)
        {
            throw InferenceRefusal.Input("inputs[0].contents", $"input 'text': element {index} is not UTF-8");
        }
    }
}
