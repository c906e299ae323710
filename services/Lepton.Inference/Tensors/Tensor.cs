using System.Runtime.InteropServices;

namespace Lepton.Inference.Tensors;

/// <summary>
/// A named tensor. Its bytes belong to somebody else (the request's message, or ONNX Runtime's memory, which
/// <see cref="Dispose"/> gives back), so that nothing is copied on the way in or out.
/// </summary>
internal sealed class Tensor : IDisposable
{
    private readonly IDisposable? _owner;

    private Tensor(string name, TensorType type, long[] shape, IDisposable? owner)
    {
        (Name, Type, Shape) = (name, type, shape);
        _owner = owner;
    }

    public string Name { get; }

    public TensorType Type { get; }

    public long[] Shape { get; }

    /// <summary>Little-endian elements, row-major; empty for BYTES.</summary>
    public ReadOnlyMemory<byte> Data { get; private init; }

    /// <summary>The elements of a BYTES tensor; empty for every other type.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Strings { get; private init; } = [];

    public long ByteSize => Type.Size > 0 ? Data.Length : Strings.Sum(s => 4L + s.Length);

    public static Tensor Of(
        string name, TensorType type, long[] shape, ReadOnlyMemory<byte> data, IDisposable? owner = null) =>
        new(name, type, shape, owner) { Data = data };

    public static Tensor Of(string name, long[] shape, IReadOnlyList<ReadOnlyMemory<byte>> strings) =>
        new(name, TensorType.Bytes, shape, owner: null) { Strings = strings };

    /// <param name="name">Its name.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <param name="values">Used as it is, not copied: the caller leaves it alone until the tensor is gone.</param>
    /// <param name="length">How many of the values are the tensor; all by default.</param>
    public static Tensor Of(string name, long[] shape, float[] values, int? length = null) =>
        Of(name, TensorType.Fp32, shape, new FloatMemory(values, length ?? values.Length).Memory);

    public ReadOnlySpan<float> Floats => MemoryMarshal.Cast<byte, float>(Data.Span);

    public void Dispose() => _owner?.Dispose();
}
