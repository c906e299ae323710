using Lepton.Inference.V1;
using OpenInference;

namespace Lepton.Inference.Repository;

/// <summary>
/// Whether a request may run twice, by the parameter <c>idempotent</c> of a model's configuration. Inference is by
/// default: it changes nothing. A model that counts, bills or draws from a sequence says <c>false</c>, and no router
/// sends a request a second time that may have run.
/// </summary>
internal static class Idempotency
{
    public const string Parameter = "idempotent";

    /// <exception cref="InferenceRefusal">The parameter is neither <c>true</c> nor <c>false</c>.</exception>
    public static bool Of(ModelConfig config) =>
        !config.Parameters.TryGetValue(Parameter, out var value) || value.StringValue switch
        {
            "true" => true,
            "false" => false,
            // A slip here would have work run twice: better no model than one that is misunderstood.
            var other => throw new InferenceRefusal(ErrorReason.ModelLoadFailed,
                $"model '{config.Name}' can't be loaded: parameter '{Parameter}' takes true or false, not '{other}'"),
        };
}
