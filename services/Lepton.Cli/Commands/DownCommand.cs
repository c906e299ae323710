using System.CommandLine;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton down</c>: stops the platform and leaves no process.</summary>
internal static class DownCommand
{
    public static Command Create(Session session)
    {
        Option<bool> wipe = new("--wipe") { Description = "Also remove the databases, decisions and logs." };
        Option<string> instance = SharedOptions.Instance();
        Command command = new("down", "Stop the platform.") { wipe, instance };
        command.SetAction(async (parse, cancellation) =>
        {
            string name = parse.GetRequiredValue(instance);
            UpOptions.CheckInstance(name);
            return (int)await RunAsync(
                session, session.Installation.Instance(name), parse.GetValue(wipe), cancellation);
        });
        return command;
    }

    private static async Task<ExitCode> RunAsync(
        Session session, Instance instance, bool wipe, CancellationToken cancellation)
    {
        PlatformFile? platform = PlatformFile.Read(instance.PlatformFile, session.Terminal.Progress);

        // Removed first: an `up` in the foreground can then tell a stop from a crash.
        if (platform is not null)
        {
            File.Delete(instance.PlatformFile);
        }

        long start = session.Time.GetTimestamp();
        ShutdownReport report = await new Shutdown(session.Processes, session.Time)
            .RunAsync(instance, platform?.AppHost, cancellation);
        if (report.Remaining.Count > 0)
        {
            throw new CommandFailure(ExitCode.Failed, $"{report.Remaining.Count} processes could not be stopped.")
            {
                Hints = [.. report.Remaining.Select(r => $"pid {r.Id.Pid} ({r.Name})")],
            };
        }

        session.Terminal.Line(Describe(instance, report, session.Time.GetElapsedTime(start)));
        if (wipe && Directory.Exists(instance.Folder))
        {
            Directory.Delete(instance.Folder, recursive: true);
            session.Terminal.Line("Databases, decisions and logs are removed.");
        }

        return ExitCode.Ok;
    }

    private static string Describe(Instance instance, ShutdownReport report, TimeSpan took) => report switch
    {
        { Processes: 0 } => $"Lepton is not running (instance {instance.Name}).",
        { WasRunning: false } => $"The app host was gone already; {report.Processes} leftover processes are stopped.",
        _ => $"Stopped {report.Processes} processes in {Output.Amounts.Seconds(took)}" +
            (report.Killed > 0 ? $", {report.Killed} by force." : "."),
    };
}
