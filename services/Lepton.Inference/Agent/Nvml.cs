using System.Runtime.InteropServices;
using Lepton.Routing.V1;

namespace Lepton.Inference.Agent;

/// <summary>The GPUs, by NVIDIA's management library, which comes with the driver. Without it there are none.</summary>
internal sealed unsafe class Nvml : IDisposable
{
    private const int NameBytesMax = 96;
    private readonly nint _library;
    private readonly delegate* unmanaged<nint, Utilization*, int> _utilization;
    private readonly delegate* unmanaged<nint, Memory*, int> _memory;
    private readonly (nint Handle, string Name)[] _devices = [];

    public Nvml()
    {
        if (!NativeLibrary.TryLoad("libnvidia-ml.so.1", out _library))
            return;
        if (!TryExport("nvmlInit_v2", out var start) || ((delegate* unmanaged<int>)start)() != 0
            || !TryExport("nvmlDeviceGetUtilizationRates", out var utilization)
            || !TryExport("nvmlDeviceGetMemoryInfo", out var memory))
            return;
        _utilization = (delegate* unmanaged<nint, Utilization*, int>)utilization;
        _memory = (delegate* unmanaged<nint, Memory*, int>)memory;
        _devices = Devices();
    }

    public int Count => _devices.Length;

    public IEnumerable<GpuReport> Read()
    {
        for (var i = 0; i < _devices.Length; i++)
            yield return Read(i);
    }

    public void Dispose()
    {
        if (_library == 0)
            return;
        if (TryExport("nvmlShutdown", out var stop))
            _ = ((delegate* unmanaged<int>)stop)(); // nothing left to do when it fails: the process ends
        NativeLibrary.Free(_library);
    }

    private GpuReport Read(int index)
    {
        var (handle, name) = _devices[index];
        Utilization utilization = default;
        Memory memory = default;
        // A GPU that fell off the bus answers with an error: it is reported as busy with no memory, so nothing picks
        // it.
        var lost = _utilization(handle, &utilization) != 0 | _memory(handle, &memory) != 0;
        return new GpuReport
        {
            Index = (uint)index,
            Name = name,
            Utilization = lost ? 1 : utilization.Gpu / 100.0,
            MemoryUsedBytes = lost ? 0 : memory.Used,
            MemoryTotalBytes = lost ? 0 : memory.Total,
        };
    }

    private (nint, string)[] Devices()
    {
        if (!TryExport("nvmlDeviceGetCount_v2", out var countOf)
            || !TryExport("nvmlDeviceGetHandleByIndex_v2", out var handleOf)
            || !TryExport("nvmlDeviceGetName", out var nameOf))
            return [];
        uint count = 0;
        if (((delegate* unmanaged<uint*, int>)countOf)(&count) != 0)
            return [];
        var devices = new List<(nint, string)>();
        var name = stackalloc byte[NameBytesMax];
        for (var i = 0u; i < count; i++)
        {
            nint handle = 0;
            if (((delegate* unmanaged<uint, nint*, int>)handleOf)(i, &handle) != 0)
                continue;
            var named = ((delegate* unmanaged<nint, byte*, uint, int>)nameOf)(handle, name, NameBytesMax) == 0;
            devices.Add((handle, named ? Marshal.PtrToStringUTF8((nint)name) ?? "" : ""));
        }
        return [.. devices];
    }

    private bool TryExport(string name, out nint address) => NativeLibrary.TryGetExport(_library, name, out address);

    [StructLayout(LayoutKind.Sequential)]
    private struct Utilization
    {
        public uint Gpu;
        public uint Memory;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Memory
    {
        public ulong Total;
        public ulong Free;
        public ulong Used;
    }
}
