using Lepton.Cli.Login;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;

namespace Lepton.Cli;

/// <summary>What every command works with; tests bring their own.</summary>
internal sealed record Session(Installation Installation, Terminal Terminal, TimeProvider Time)
{
    public ProcessTable Processes { get; init; } = new();

    /// <summary>Where the login for an instance's gateways is kept.</summary>
    public LoginStore Login(string instanceName)
    {
        UpOptions.CheckInstance(instanceName);
        return new LoginStore(Installation.Instance(instanceName), Time);
    }

    /// <summary>The running platform, or the failure that says how to start it.</summary>
    public PlatformFile RequireRunning(string instanceName)
    {
        UpOptions.CheckInstance(instanceName);
        Instance instance = Installation.Instance(instanceName);
        PlatformFile? platform = PlatformFile.Read(instance.PlatformFile, Terminal.Progress);
        string named = Platform.Instance.Option(instanceName);
        if (platform is null)
        {
            throw new CommandFailure(ExitCode.PlatformDown, $"Lepton is not running (instance {instanceName}).")
            {
                Hints = [$"Start it: ./lepton up --detach{named}"],
            };
        }

        if (!Processes.IsAlive(platform.AppHost))
        {
            throw new CommandFailure(ExitCode.PlatformDown,
                $"Lepton (instance {instanceName}) has ended: its app host, pid {platform.AppHost.Pid}, is gone.")
            {
                Hints = [$"Why: {instance.AppHostLog}", $"Start it again: ./lepton up --detach{named}"],
            };
        }

        return platform;
    }
}
