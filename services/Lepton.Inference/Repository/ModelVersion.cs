using Lepton.Inference.Execution;

namespace Lepton.Inference.Repository;

/// <summary>Triton's names for what a model version may be.</summary>
internal enum ModelState
{
    Unavailable,
    Loading,
    Ready,
    Unloading,
}

/// <summary>A model version of the repository, as it is now.</summary>
/// <param name="Identity">Its name and version.</param>
/// <param name="State">Whether it serves.</param>
/// <param name="Reason">Why it doesn't.</param>
/// <param name="Served">Set when ready.</param>
/// <param name="WantedProvider">What its configuration asks for: <c>cuda</c>, <c>cpu</c> or <c>auto</c>.</param>
internal sealed record ModelVersion(
    ModelIdentity Identity, ModelState State, string Reason, ServedModel? Served, string WantedProvider);
