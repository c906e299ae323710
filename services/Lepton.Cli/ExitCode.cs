namespace Lepton.Cli;

/// <summary>What the process says when it ends; scripts rely on these numbers (README, "Exit codes").</summary>
internal enum ExitCode
{
    Ok = 0,

    /// <summary>Lepton refused, or what was asked failed.</summary>
    Failed = 1,

    /// <summary>The command line, or a file that it names, is wrong; nothing was sent.</summary>
    Usage = 2,

    /// <summary>The platform is not running, or its gateway does not answer.</summary>
    PlatformDown = 3,

    /// <summary>Stopped by Ctrl-C.</summary>
    Interrupted = 130,
}
