using Lepton.Inference.V1;

namespace Lepton.Inference;

/// <summary>
/// A request that this node won't or can't serve, with a documented reason. An exception and not a value because it is
/// found deep inside parsing, queues and pipelines and ends the request wherever that is; Serving turns it into a
/// status.
/// </summary>
internal sealed class InferenceRefusal(
    ErrorReason reason, string message, string? field = null, Exception? inner = null)
    : Exception(message, inner)
{
    public ErrorReason Reason { get; } = reason;

    /// <summary>The request's field that is wrong, e.g. <c>inputs[0].shape</c>; null when none is.</summary>
    public string? Field { get; } = field;

    public static InferenceRefusal Input(string field, string message) => new(ErrorReason.InputInvalid, message, field);
}
