using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Lepton.Postgres;

/// <summary>The signals that PostgreSQL understands; .NET itself sends none but SIGKILL.</summary>
internal static partial class Signals
{
    /// <summary>Postmaster: fast shutdown (clients are cut off, work is saved).</summary>
    public const int Interrupt = 2;

    /// <summary>Postmaster and backends: stop at once, recover at the next start.</summary>
    public const int Quit = 3;

    public const int Kill = 9;

    private const int NoSuchProcess = 3;

    public static void Send(int pid, int signal)
    {
        if (SendSignal(pid, signal) != 0 && Marshal.GetLastPInvokeError() is var error && error != NoSuchProcess)
            throw new Win32Exception(error, $"kill({pid}, {signal}): {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);
}
