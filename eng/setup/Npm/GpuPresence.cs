namespace Lepton.Setup.Npm;

/// <summary>Whether this machine seems to have an NVIDIA GPU that a process may use.</summary>
internal static class GpuPresence
{
    public static bool IsLikely() =>
        File.Exists("/dev/nvidia0") ||
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, "nvidia-smi")));
}
