using System.Runtime.InteropServices;

namespace Lepton.Setup.Models;

/// <summary>
/// Builds an ONNX model file (ModelProto, IR version 8). Field numbers are those of onnx/onnx.proto3.
/// </summary>
internal sealed class OnnxGraph(string name, int opset)
{
    private const int IrVersion = 8;
    private readonly List<ProtoWriter> _nodes = [];
    private readonly List<ProtoWriter> _initializers = [];
    private readonly List<ProtoWriter> _inputs = [];
    private readonly List<ProtoWriter> _outputs = [];

    /// <summary>Declares an input; a dimension is a number (<c>"620"</c>) or a name, which makes it dynamic.</summary>
    public OnnxGraph Input(string tensor, OnnxType type, params string[] dimensions)
    {
        _inputs.Add(ValueInfo(tensor, type, dimensions));
        return this;
    }

    public OnnxGraph Output(string tensor, OnnxType type, params string[] dimensions)
    {
        _outputs.Add(ValueInfo(tensor, type, dimensions));
        return this;
    }

    public OnnxGraph Constant(string tensor, ReadOnlySpan<float> values, params long[] dimensions)
    {
        var proto = new ProtoWriter();
        foreach (var dimension in dimensions)
            proto.Varint(1, dimension);
        proto.Varint(2, (int)OnnxType.Float).Text(8, tensor).Bytes(9, MemoryMarshal.AsBytes(values));
        _initializers.Add(proto);
        return this;
    }

    public OnnxGraph Node(
        string operation, string[] inputs, string[] outputs, params (string Name, long Value)[] attributes)
    {
        var proto = new ProtoWriter();
        foreach (var input in inputs)
            proto.Text(1, input);
        foreach (var output in outputs)
            proto.Text(2, output);
        proto.Text(3, $"{operation}_{_nodes.Count}").Text(4, operation);
        const int attributeTypeInt = 2;
        foreach (var (attribute, value) in attributes)
            proto.Message(5, new ProtoWriter().Text(1, attribute).Varint(3, value).Varint(20, attributeTypeInt));
        _nodes.Add(proto);
        return this;
    }

    public byte[] ToModel()
    {
        var graph = new ProtoWriter();
        _nodes.ForEach(node => graph.Message(1, node));
        graph.Text(2, name);
        _initializers.ForEach(constant => graph.Message(5, constant));
        _inputs.ForEach(input => graph.Message(11, input));
        _outputs.ForEach(output => graph.Message(12, output));
        return new ProtoWriter()
            .Varint(1, IrVersion)
            .Text(2, "lepton")
            .Message(7, graph)
            .Message(8, new ProtoWriter().Text(1, "").Varint(2, opset))
            .ToArray();
    }

    private static ProtoWriter ValueInfo(string tensor, OnnxType type, string[] dimensions)
    {
        var shape = new ProtoWriter();
        foreach (var dimension in dimensions)
        {
            shape.Message(1, long.TryParse(dimension, out var size)
                ? new ProtoWriter().Varint(1, size)
                : new ProtoWriter().Text(2, dimension));
        }
        var tensorType = new ProtoWriter().Varint(1, (int)type).Message(2, shape);
        return new ProtoWriter().Text(1, tensor).Message(2, new ProtoWriter().Message(1, tensorType));
    }
}

/// <summary>TensorProto.DataType of onnx.proto3.</summary>
internal enum OnnxType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    BFloat16 = 16,
}
