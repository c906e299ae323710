using System.Buffers;
using Microsoft.ML.OnnxRuntime;

namespace Lepton.Inference.Tensors;

/// <summary>Between our tensors and ONNX Runtime's, without copying elements of fixed size.</summary>
internal static class OrtTensors
{
    /// <summary>
    /// Wraps a tensor's bytes; <paramref name="pin"/> must outlive the value and be disposed after it.
    /// </summary>
    public static unsafe OrtValue ToOrtValue(Tensor tensor, out MemoryHandle pin)
    {
        pin = default;
        if (tensor.Type == TensorType.Bytes)
            return Strings(tensor);
        var data = tensor.Data;
        if (data.IsEmpty) // has no address that could be wrapped
            return OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, tensor.Type.Element, tensor.Shape);
        pin = data.Pin();
        // A message parsed from another buffer may lie at any address; kernels load whole elements.
        if ((nuint)pin.Pointer % (nuint)tensor.Type.Size != 0)
        {
            pin.Dispose();
            data = data.ToArray();
            pin = data.Pin();
        }
        try
        {
            return OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, tensor.Type.Element, tensor.Shape, (nint)pin.Pointer, data.Length);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>Takes over <paramref name="value"/>: disposing the tensor gives it back.</summary>
    public static Tensor ToTensor(string name, OrtValue value)
    {
        var info = value.GetTensorTypeAndShape();
        var type = TensorType.FromElement(info.ElementDataType)
            ?? throw new NotSupportedException($"Output '{name}' has element type {info.ElementDataType}.");
        if (type == TensorType.Bytes)
        {
            var strings = new ReadOnlyMemory<byte>[info.ElementCount];
            for (var i = 0; i < strings.Length; i++)
                strings[i] = value.GetStringElementAsSpan(i).ToArray();
            value.Dispose();
            return Tensor.Of(name, info.Shape, strings);
        }
        var memory = new OrtMemory(value);
        return Tensor.Of(name, type, info.Shape, memory.Memory, memory);
    }

    private static OrtValue Strings(Tensor tensor)
    {
        var value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, tensor.Shape);
        for (var i = 0; i < tensor.Strings.Count; i++)
            value.StringTensorSetElementAt(tensor.Strings[i].Span, i);
        return value;
    }
}
