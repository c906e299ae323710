namespace Lepton.Cli.Platform;

/// <summary>No two commands start one instance at once. The lock ends with its process, even by SIGKILL.</summary>
internal static class InstanceLock
{
    public static IDisposable Take(Instance instance)
    {
        try
        {
            return new FileStream(instance.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new CommandFailure(ExitCode.Failed, $"Another command is starting instance {instance.Name} just now.")
            {
                Hints = [$"Wait for it, or stop it: ./lepton down{Instance.Option(instance.Name)}."],
            };
        }
    }
}
