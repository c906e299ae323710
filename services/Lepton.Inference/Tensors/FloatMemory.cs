using System.Buffers;
using System.Runtime.InteropServices;

namespace Lepton.Inference.Tensors;

/// <summary>
/// Shows a float array as bytes without a copy, so that what a pipeline computed goes into a model as it is.
/// </summary>
internal sealed class FloatMemory(float[] values, int length) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(values.AsSpan(0, length));

    public override unsafe MemoryHandle Pin(int elementIndex = 0)
    {
        var handle = GCHandle.Alloc(values, GCHandleType.Pinned);
        return new MemoryHandle((byte*)handle.AddrOfPinnedObject() + elementIndex, handle);
    }

    public override void Unpin()
    {
        // The handle that Pin made frees itself.
    }

    protected override void Dispose(bool disposing)
    {
        // The array is the caller's.
    }
}
