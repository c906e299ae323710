namespace Lepton.Cli.Platform;

/// <summary>Notices while the platform starts that the app host or a resource has died, and shows why.</summary>
internal sealed class DeathWatch(Session session, Instance instance, ProcessId appHost, IResourceSource resources)
{
    /// <summary>The whole list is large; asking more often would slow down the start that it watches.</summary>
    private static readonly TimeSpan interval = TimeSpan.FromSeconds(1);

    private long asked = session.Time.GetTimestamp();

    public async Task<CommandFailure?> LookAsync(CancellationToken cancellation)
    {
        if (!session.Processes.IsAlive(appHost))
        {
            return new CommandFailure(ExitCode.Failed, "The app host has ended.")
            {
                Hints = LogTail.Read(instance.AppHostLog),
            };
        }

        if (session.Time.GetElapsedTime(asked) < interval)
        {
            return null;
        }

        asked = session.Time.GetTimestamp();
        ResourceState? dead = (await resources.ListAsync(cancellation)).FirstOrDefault(r => r.HasFailed);
        if (dead is null)
        {
            return null;
        }

        string code = dead.ExitCode is { } exit ? $", exit code {exit}" : "";
        return new CommandFailure(ExitCode.Failed, $"{dead.Name} has died ({dead.State}{code}).")
        {
            Hints = ["Its last lines:", .. await resources.LogTailAsync(dead.Id, cancellation)],
        };
    }
}
