using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Lepton.Inference.Tensors;

/// <summary>
/// The memory of an ONNX Runtime tensor as managed memory: an answer is written to the wire straight from it.
/// Dispose gives the tensor back; if that never happens, its own finalizer does it once nothing refers to this.
/// </summary>
internal sealed unsafe class OrtMemory : MemoryManager<byte>
{
    private readonly OrtValue _value;
    private byte* _data;
    private readonly int _length;

    public OrtMemory(OrtValue value)
    {
        _value = value;
        var span = value.GetTensorMutableRawData();
        _length = span.Length;
        _data = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(span));
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_data == null && _length > 0, this);
        return new Span<byte>(_data, _length);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new(_data + elementIndex, pinnable: this);

    public override void Unpin()
    {
        // Native memory does not move.
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || _data == null)
            return;
        _data = null;
        _value.Dispose();
    }
}
