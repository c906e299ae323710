using System.CommandLine;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary>
/// <c>lepton start|stop|restart RESOURCE...</c>: what the dashboard's buttons do, one resource after the other, each
/// only when the one before is healthy again: a rolling restart.
/// </summary>
internal static class ResourceCommands
{
    private static readonly TimeSpan poll = TimeSpan.FromMilliseconds(200);

    public static IEnumerable<Command> Create(Session session) =>
    [
        Create(session, "start", "Start resources that do not run: a standby node, or one that has died."),
        Create(session, "stop", "Stop resources in good order."),
        Create(session, "restart", "Restart resources one after the other, each when the last is healthy again."),
    ];

    private static Command Create(Session session, string name, string description)
    {
        Argument<string[]> names = new("RESOURCE")
        {
            Description = "Names as ./lepton status shows them.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<double> timeout = new("--timeout")
        {
            Description = "Seconds that each may take.",
            DefaultValueFactory = _ => 120,
            HelpName = "SECONDS",
        };
        Option<string> instance = SharedOptions.Instance();
        Command command = new(name, description) { names, timeout, instance };
        command.SetAction(async (parse, cancellation) =>
        {
            double seconds = parse.GetValue(timeout);
            if (seconds is not (> 0 and <= 3600))
            {
                throw new CommandFailure(ExitCode.Usage,
                    $"--timeout {seconds}: seconds, more than 0 and at most 3600.");
            }

            PlatformFile platform = session.RequireRunning(parse.GetRequiredValue(instance));
            using ResourceServiceClient resources = new(platform.Dashboard);
            IReadOnlyList<ResourceState> known = await resources.ListAsync(cancellation);
            string[] asked = parse.GetRequiredValue(names);
            RequireKnown(asked, known);
            foreach (string resource in asked)
            {
                await RunAsync(session, resources, name, resource, TimeSpan.FromSeconds(seconds), cancellation);
            }

            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static void RequireKnown(string[] asked, IReadOnlyList<ResourceState> known)
    {
        if (asked.FirstOrDefault(name => known.All(r => r.Name != name)) is { } unknown)
        {
            throw new CommandFailure(ExitCode.Usage, $"{unknown}: no such resource.")
            {
                Hints = [$"There are: {string.Join(", ", known.Select(r => r.Name).Order(StringComparer.Ordinal))}"],
            };
        }
    }

    private static async Task RunAsync(Session session, ResourceServiceClient resources, string command, string name,
        TimeSpan timeout, CancellationToken cancellation)
    {
        long started = session.Time.GetTimestamp();
        if (await resources.ExecuteAsync(command, name, timeout, cancellation) is { } refusal)
        {
            throw new CommandFailure(ExitCode.Failed, $"{name} could not be told to {command}: {refusal}");
        }

        ResourceState? state;
        while ((state = await StateAsync(resources, name, cancellation)) is not null
            && !(command == "stop" ? !state.IsAlive : state.IsServing))
        {
            if (state.HasFailed || session.Time.GetElapsedTime(started) > timeout)
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"{name} is {state.State}, {state.Health ?? "health unknown"}, "
                    + $"{Amounts.Seconds(session.Time.GetElapsedTime(started))} after it was told to {command}.")
                {
                    Hints = ["Its last lines:", .. await resources.LogTailAsync(state.Id, cancellation)],
                };
            }

            await Task.Delay(poll, session.Time, cancellation);
        }

        session.Terminal.Line($"{name}: {command} took {Amounts.Seconds(session.Time.GetElapsedTime(started))}");
    }

    private static async Task<ResourceState?> StateAsync(
        ResourceServiceClient resources, string name, CancellationToken cancellation) =>
        (await resources.ListAsync(cancellation)).FirstOrDefault(r => r.Name == name);
}
