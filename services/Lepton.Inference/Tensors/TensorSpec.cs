namespace Lepton.Inference.Tensors;

/// <summary>What a model says of one input or output. A dimension of −1 takes any size.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="AlsoTakes">A second type that an input takes; null: none.</param>
internal sealed record TensorSpec(string Name, TensorType Type, long[] Shape, TensorType? AlsoTakes = null);
