using Microsoft.ML.OnnxRuntime.Tensors;
using OpenInference;

namespace Lepton.Inference.Tensors;

/// <summary>
/// An element type under its three names: the Open Inference Protocol's, ONNX Runtime's and the model configuration's.
/// </summary>
/// <param name="Name">As on the wire, e.g. <c>FP32</c>.</param>
/// <param name="Element">As ONNX Runtime has it.</param>
/// <param name="Config">As a model configuration has it.</param>
/// <param name="Size">Bytes of one element; 0 for BYTES, whose elements have a length each.</param>
internal sealed record TensorType(string Name, TensorElementType Element, DataType Config, int Size)
{
    public static readonly TensorType Bool = new("BOOL", TensorElementType.Bool, DataType.TypeBool, 1);
    public static readonly TensorType UInt8 = new("UINT8", TensorElementType.UInt8, DataType.TypeUint8, 1);
    public static readonly TensorType UInt16 = new("UINT16", TensorElementType.UInt16, DataType.TypeUint16, 2);
    public static readonly TensorType UInt32 = new("UINT32", TensorElementType.UInt32, DataType.TypeUint32, 4);
    public static readonly TensorType UInt64 = new("UINT64", TensorElementType.UInt64, DataType.TypeUint64, 8);
    public static readonly TensorType Int8 = new("INT8", TensorElementType.Int8, DataType.TypeInt8, 1);
    public static readonly TensorType Int16 = new("INT16", TensorElementType.Int16, DataType.TypeInt16, 2);
    public static readonly TensorType Int32 = new("INT32", TensorElementType.Int32, DataType.TypeInt32, 4);
    public static readonly TensorType Int64 = new("INT64", TensorElementType.Int64, DataType.TypeInt64, 8);
    public static readonly TensorType Fp16 = new("FP16", TensorElementType.Float16, DataType.TypeFp16, 2);
    public static readonly TensorType Bf16 = new("BF16", TensorElementType.BFloat16, DataType.TypeBf16, 2);
    public static readonly TensorType Fp32 = new("FP32", TensorElementType.Float, DataType.TypeFp32, 4);
    public static readonly TensorType Fp64 = new("FP64", TensorElementType.Double, DataType.TypeFp64, 8);
    public static readonly TensorType Bytes = new("BYTES", TensorElementType.String, DataType.TypeString, 0);

    public static readonly IReadOnlyList<TensorType> All =
        [Bool, UInt8, UInt16, UInt32, UInt64, Int8, Int16, Int32, Int64, Fp16, Bf16, Fp32, Fp64, Bytes];

    public static TensorType? FromName(string name)
    {
        foreach (var type in All)
        {
            if (type.Name == name)
                return type;
        }
        return null;
    }

    public static TensorType? FromElement(TensorElementType element) => All.FirstOrDefault(t => t.Element == element);

    public override string ToString() => Name;
}
