using Lepton.Inference.Execution;
using Lepton.Inference.Pipelines.Language;
using Lepton.Inference.Pipelines.Ocr;
using Lepton.Inference.Repository;
using Lepton.Inference.V1;
using Microsoft.Extensions.Options;
using OpenInference;

namespace Lepton.Inference.Pipelines;

/// <summary>
/// Makes the models that are chains of others with code between them, which Triton's ensembles can't express: backend
/// <c>lepton</c>, parameter <c>pipeline</c> names the chain, further parameters its members.
/// </summary>
internal sealed class PipelineFactory(IOptions<InferenceOptions> options)
{
    public const string Backend = "lepton";
    private const string Kind = "pipeline";

    /// <summary>The models that a pipeline is made of; none when it is no pipeline.</summary>
    public static IEnumerable<string> Members(ModelConfig? config) => config?.Backend != Backend
        ? []
        : config.Parameters.Where(p => p.Key is not (Kind or Idempotency.Parameter))
            .Select(p => p.Value.StringValue).Distinct();

    public IModel Create(ModelFolder folder, ModelConfig config, long version, Func<string, ServedModel?> find)
    {
        // A pipeline whose members are missing fails now, not at its first request.
        foreach (var member in Members(config))
            Ready(member);
        return config.Parameters.TryGetValue(Kind, out var kind) ? kind.StringValue switch
        {
            "ocr" => new OcrPipeline(
                new OcrMembers(
                    new Member(Parameter("detector"), find),
                    new Member(Parameter("classifier"), find),
                    new Member(Parameter("recognizer"), find),
                    CharacterSet.Read(Beside(Ready(Parameter("recognizer")), "keys.txt"))),
                options.Value),
            "language-id" => new LanguagePipeline(
                LanguageTables.Read(folder.VersionDirectory(version)),
                new Member(Parameter("classifier"), find),
                options.Value.TextCountMax),
            var other => throw Failed($"there is no pipeline '{other}'; there are ocr and language-id"),
        } : throw Failed("parameter 'pipeline' is missing");

        string Parameter(string name) => config.Parameters.TryGetValue(name, out var value)
            ? value.StringValue
            : throw Failed($"parameter '{name}' is missing");

        ServedModel Ready(string name) => find(name) ?? throw Failed($"model '{name}', which it calls, is not ready");

        // A member's table lies beside its model file.
        string Beside(ServedModel member, string file) => Path.Combine(new ModelFolder(options.Value.ModelDirectory,
            member.Identity.Name).VersionDirectory(member.Identity.Version), file);

        InferenceRefusal Failed(string why) =>
            new(ErrorReason.ModelLoadFailed, $"model '{config.Name}' can't be loaded: {why}");
    }
}
