using System.Globalization;
using Lepton.ServiceDefaults;
using Lepton.Sync.Backup.Restore;
using Lepton.Sync.Backup.Wire;
using Microsoft.Extensions.Options;

namespace Lepton.Sync.Backup;

/// <summary>
/// <c>Lepton.Sync backup restore</c>: offline, in the node's region, with the node's configuration (environment
/// variables or <c>--Sync:Backup:Directory ...</c>). Exit codes: 0 done, 1 not restored, 2 wrong arguments.
/// </summary>
internal static class RestoreCommand
{
    private const string Usage =
        """
        usage: Lepton.Sync backup restore --to DIR [--time TIME] [--backup ID] [--node REGION-ZONE]
        Restores into DIR/pgdata, which must not be there. TIME: e.g. 2026-11-25T12:00:00Z; without it everything
        that is archived. Takes Lepton:Region, Lepton:Zone and Sync:Backup:Directory, SecretFile and ToolsDirectory as a
        node does.
        """;

    public static bool IsMeant(string[] args) => args is ["backup", "restore", ..];

    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args[2..]).Build();
            if (Read(configuration) is not var (target, time))
                return Fail(2, Usage);
            await using var services = new ServiceCollection()
                .AddSingleton<IConfiguration>(configuration)
                .AddSingleton(TimeProvider.System)
                .AddOptions<ServiceOptions>().BindConfiguration(ServiceOptions.Section).Services
                .AddRestore().BuildServiceProvider();
            var options = services.GetRequiredService<IOptions<BackupOptions>>().Value;
            if (options.Directory.Length == 0 || options.SecretFile.Length == 0)
                return Fail(2, "Sync:Backup:Directory and Sync:Backup:SecretFile are needed.\n" + Usage);
            var node = configuration["node"] ?? services.GetRequiredService<BackupPlace>().Node;
            using CancellationTokenSource stop = new();
            ConsoleCancelEventHandler onCancel = (_, e) =>
            {
                e.Cancel = true;
                stop.Cancel();
            };
            Console.CancelKeyPress += onCancel;
            var report = await services.GetRequiredService<FolderRestore>().RestoreAsync(
                new RestorePoint(node, configuration["backup"], time), target, stop.Token);
            Console.CancelKeyPress -= onCancel;
            Console.WriteLine(
                $"Restored backup {report.BackupId} of {node} into {Path.Combine(target, "pgdata")}, up to "
                + $"{PositionText.Of(report.RecoveredTo)} of its log; timeline {report.Timeline} begins there.");
            Console.WriteLine($"What was committed after {report.ArchiveTime:u} was not archived yet.");
            return 0;
        }
        catch (BackupException e)
        {
            return Fail(1, e.Message);
        }
        catch (OptionsValidationException e)
        {
            return Fail(2, e.Message);
        }
        catch (OperationCanceledException)
        {
            return Fail(1, "Stopped; nothing was restored.");
        }
    }

    private static (string Target, DateTimeOffset? Time)? Read(IConfiguration configuration)
    {
        if (configuration["to"] is not { Length: > 0 } to)
            return null;
        if (configuration["time"] is not { } text)
            return (Path.GetFullPath(to), null);
        return DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? (Path.GetFullPath(to), time)
            : null;
    }

    private static int Fail(int code, string message)
    {
        Console.Error.WriteLine($"backup restore: {message}");
        return code;
    }
}
