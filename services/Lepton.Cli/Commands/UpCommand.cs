using System.CommandLine;
using System.Globalization;
using Lepton.Cli.Output;
using Lepton.Cli.Platform;

namespace Lepton.Cli.Commands;

/// <summary><c>lepton up</c>: starts the platform and waits until it is ready.</summary>
internal static class UpCommand
{
    /// <summary>Made by set-up, from the repository's root.</summary>
    private const string AdminPassword = "cat .lepton/pki/identity/admin.password";

    private static readonly TimeSpan poll = TimeSpan.FromSeconds(1);

    public static Command Create(Session session)
    {
        UpRequest defaults = new();
        Option<string> regions = Text("--regions", "The regions, by comma.", "REGION,...", defaults.Regions);
        Option<string> zones = Text("--zones", "Availability zones a region.", "1|2", defaults.Zones);
        Option<string> profile = Text(
            "--profile", "The services: the main job's, or all.", "main|full", defaults.Profile);
        Option<string> wan = Text("--wan", "Wide-area delay between regions.", "on|off", defaults.Wan);
        Option<string> postgres = Text(
            "--postgres", "The databases.", "embedded|container|CONNECTION", defaults.Postgres);
        Option<string> basePort = Text("--base-port", "The first port; the others follow.", "PORT", defaults.BasePort);
        Option<string> timeout = Text("--timeout", "How long the start may take.", "SECONDS", defaults.Timeout);
        Option<bool> detach = new("--detach") { Description = "Return when the platform is ready; it keeps running." };
        Option<string> instanceName = SharedOptions.Instance();
        Command command = new("up", "Start the platform.")
        {
            regions, zones, profile, wan, postgres, basePort, timeout, detach, instanceName,
        };
        command.SetAction(async (parse, cancellation) =>
        {
            UpOptions options = UpOptions.Check(new UpRequest
            {
                Instance = parse.GetRequiredValue(instanceName),
                Regions = parse.GetRequiredValue(regions),
                Zones = parse.GetRequiredValue(zones),
                Profile = parse.GetRequiredValue(profile),
                Wan = parse.GetRequiredValue(wan),
                Postgres = parse.GetRequiredValue(postgres),
                BasePort = parse.GetRequiredValue(basePort),
                Timeout = parse.GetRequiredValue(timeout),
            });
            return (int)await RunAsync(session, options, parse.GetValue(detach), cancellation);
        });
        return command;
    }

    private static Option<string> Text(string name, string description, string takes, string value) => new(name)
    {
        Description = description,
        HelpName = takes,
        DefaultValueFactory = _ => value,
    };

    private static async Task<ExitCode> RunAsync(
        Session session, UpOptions options, bool detach, CancellationToken cancellation)
    {
        Instance instance = session.Installation.Instance(options.Instance);
        Directory.CreateDirectory(instance.Folder);
        Startup startup = new(session, instance, options);
        PlatformFile platform;
        using (InstanceLock.Take(instance))
        {
            if (Running(session, instance) is { } running)
            {
                RequireSame(running, options);
                session.Terminal.Line(
                    $"Lepton is already running (instance {instance.Name}, pid {running.AppHost.Pid}).");
                ShowNext(session.Terminal, running);
                return ExitCode.Ok;
            }

            session.Terminal.Line($"Starting {string.Join(", ", options.Regions)} (instance {instance.Name}) ...");
            try
            {
                platform = await startup.RunAsync(cancellation);
            }
            catch (Exception)
            {
                instance.RemoveIfUnused();
                throw;
            }
        }

        ShowTimes(session.Terminal, startup.Times);
        ShowNext(session.Terminal, platform);
        return detach ? ExitCode.Ok : await StayAsync(session, startup, instance, platform, cancellation);
    }

    private static PlatformFile? Running(Session session, Instance instance)
    {
        PlatformFile? platform = PlatformFile.Read(instance.PlatformFile, session.Terminal.Progress);
        return platform is { State: PlatformState.Running } && session.Processes.IsAlive(platform.AppHost)
            ? platform
            : null;
    }

    /// <summary>Saying "already running" of something else than was asked for would mislead.</summary>
    private static void RequireSame(PlatformFile running, UpOptions options)
    {
        List<string> others = [];
        Compare("--regions", string.Join(',', running.Regions.Select(r => r.Name)), string.Join(',', options.Regions));
        Compare("--zones", running.Zones.ToString(CultureInfo.InvariantCulture), $"{options.Zones}");
        Compare("--profile", running.Profile, options.Profile);
        Compare("--wan", running.Wan ? "on" : "off", options.Wan ? "on" : "off");
        Compare("--postgres", running.Postgres, options.PostgresKind);
        Compare("--base-port", running.BasePort.ToString(CultureInfo.InvariantCulture), $"{options.BasePort}");
        if (others.Count > 0)
        {
            throw new CommandFailure(ExitCode.Failed,
                $"Lepton is already running (instance {running.Instance}) with {string.Join(", ", others)}.")
            {
                Hints =
                [
                    $"Stop it first (./lepton down{Instance.Option(running.Instance)}), "
                    + "or give this one its own --instance and --base-port.",
                ],
            };
        }

        void Compare(string option, string runs, string asked)
        {
            if (runs != asked)
            {
                others.Add($"{option} {runs}, not {asked}");
            }
        }
    }

    private static void ShowTimes(Terminal terminal, StartTimes times)
    {
        terminal.Line();
        terminal.Line($"Ready after {Amounts.Seconds(times.Elapsed)}; where the time went:");
        foreach ((string phase, TimeSpan took, string last) in times.Phases())
        {
            string detail = last == phase ? "" : $"last: {last}";
            terminal.Line($"  {phase,-18} {Amounts.Seconds(took),7}   {detail}".TrimEnd());
        }
    }

    private static void ShowNext(Terminal terminal, PlatformFile platform)
    {
        string named = Instance.Option(platform.Instance);
        terminal.Line();
        terminal.Line($"Dashboard  {platform.Dashboard.LoginUrl}");
        foreach (PlatformRegion region in platform.Regions)
        {
            terminal.Line($"Gateways   {string.Join("  ", region.GatewayUrls)}  {region.Name}");
        }

        if (platform.Identity is not null)
        {
            terminal.Line($"Log in     ./lepton login{named}   (admin; the password: {AdminPassword})");
        }

        string from = platform.Regions[0].Name;
        terminal.Line($"Try        ./lepton infer ocr eng/samples/invoice.png --from {from}{named}");
        terminal.Line($"Look       ./lepton status{named}, ./lepton nodes{named}, ./lepton watch{named}");
        terminal.Line($"Stop       ./lepton down{named}");
    }

    private static async Task<ExitCode> StayAsync(
        Session session, Startup startup, Instance instance, PlatformFile platform, CancellationToken cancellation)
    {
        session.Terminal.Line();
        session.Terminal.Line("Running until Ctrl-C.");
        try
        {
            while (session.Processes.IsAlive(platform.AppHost))
            {
                await Task.Delay(poll, session.Time, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            session.Terminal.Line("Stopping ...");
            await startup.StopAsync(platform.AppHost);
            return ExitCode.Ok;
        }

        if (!File.Exists(instance.PlatformFile))
        {
            session.Terminal.Line("Stopped by ./lepton down.");
            return ExitCode.Ok;
        }

        IReadOnlyList<string> log = LogTail.Read(instance.AppHostLog);
        await startup.StopAsync(platform.AppHost);
        throw new CommandFailure(ExitCode.Failed, "The app host has ended.") { Hints = log };
    }
}
