namespace Lepton.Routing.Gateway;

/// <summary>
/// A method that is sent on to one node (or another region), and what the gateway must know of its message.
/// </summary>
/// <param name="Name">The method of <c>inference.GRPCInferenceService</c>.</param>
/// <param name="ModelField">Field number of the model's name in the request.</param>
/// <param name="VersionField">Field number of the model's version; 0: the request has none.</param>
/// <param name="Books">It executes the model: it takes a slot and teaches the service time.</param>
internal sealed record GatewayMethod(string Name, int ModelField, int VersionField, bool Books)
{
    // Compared and looked up on every request; there is one of each.
    public bool Equals(GatewayMethod? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    public const string Service = "inference.GRPCInferenceService";

    public static GatewayMethod ModelInfer { get; } = new("ModelInfer", 1, 2, true);

    public static GatewayMethod ModelStreamInfer { get; } = new("ModelStreamInfer", 1, 2, true);

    public static GatewayMethod ModelReady { get; } = new("ModelReady", 1, 2, false);

    public static GatewayMethod ModelMetadata { get; } = new("ModelMetadata", 1, 2, false);

    public static GatewayMethod ModelConfig { get; } = new("ModelConfig", 1, 2, false);

    public string Path { get; } = $"/{Service}/{Name}";

    /// <summary>Name of the activity.</summary>
    public string Activity { get; } = $"gateway {Name}";
}
