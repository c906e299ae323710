namespace Lepton.Inference.Agent;

/// <summary>What the machine, or the container, has and uses.</summary>
/// <param name="CpuUtilization">0 to 1 of the processors that this process may use, since the last reading.</param>
/// <param name="CpuCount">Processors that this process may use.</param>
/// <param name="MemoryUsedBytes">Resident bytes of this process.</param>
/// <param name="MemoryLimitBytes">Bytes that this process may use.</param>
/// <param name="ReceiveBytesPerSecond">All interfaces but loopback, since the last reading.</param>
/// <param name="TransmitBytesPerSecond">Likewise.</param>
internal sealed record MachineLoad(
    double CpuUtilization,
    double CpuCount,
    long MemoryUsedBytes,
    long MemoryLimitBytes,
    double ReceiveBytesPerSecond,
    double TransmitBytesPerSecond);
