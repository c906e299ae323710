using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Cli.Platform;
using Lepton.Sync.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync backup now|list|verify|restore</c>.</summary>
internal static class BackupCommands
{
    private const string RestoreProgram = "Lepton.Sync";

    public static Command Create(Session session) => new("backup", "Backups of a node's database server.")
    {
        Now(session),
        List(session),
        Verify(session),
        Restore(session),
    };

    private static Command Now(Session session) => SyncCommand.Calls(session).CompleteForNodes(
        new Command("now", "Begin a base backup of each of the region's nodes; list shows when it is done."),
        async (_, calls, _) =>
        {
            List<Backup> begun = [];
            foreach (GatewayCall call in calls)
            {
                begun.Add((await call.Gateway.Backups.CreateBackupAsync(
                    new CreateBackupRequest { RequestId = Guid.NewGuid().ToString() }, call.Options)).Backup);
            }

            Show(calls[0], begun, backup => $"Backup {backup.BackupId} of {backup.Node} is being made.");
            return ExitCode.Ok;
        });

    private static Command Verify(Session session)
    {
        Argument<string> id = new("ID")
        {
            Description = "As list prints it (default: the newest of each of the region's nodes).",
            DefaultValueFactory = _ => "",
        };
        return SyncCommand.Calls(session).CompleteForNodes(
            new Command("verify", "Begin a restore check: a real server over a copy, every record read.") { id },
            async (parse, calls, _) =>
            {
                string wanted = parse.GetRequiredValue(id);
                List<Backup> begun = [];
                RpcException? unknown = null;
                foreach (GatewayCall call in calls)
                {
                    try
                    {
                        begun.Add((await call.Gateway.Backups.VerifyBackupAsync(
                            new VerifyBackupRequest { BackupId = wanted }, call.Options)).Backup);
                    }
                    catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
                    {
                        unknown = e; // it may be another node's
                    }
                }

                if (begun.Count == 0 && unknown is not null)
                {
                    throw unknown;
                }

                Show(calls[0], begun, backup =>
                    $"Backup {backup.BackupId} of {backup.Node} is being restored and checked.");
                return ExitCode.Ok;
            });
    }

    private static Command List(Session session) => SyncCommand.Calls(session).CompleteForNodes(
        new Command("list", "The backups of each of the region's nodes, and how the archive of the log stands."),
        async (_, calls, _) =>
        {
            List<Backup> backups = [];
            List<(string Url, LogArchive Log)> logs = [];
            foreach (GatewayCall call in calls)
            {
                ListBackupsResponse page = new();
                do
                {
                    page = await call.Gateway.Backups.ListBackupsAsync(
                        new ListBackupsRequest { PageToken = page.NextPageToken }, call.Options);
                    backups.AddRange(page.Backups);
                }
                while (page.NextPageToken.Length > 0);
                logs.Add((call.Gateway.Url, page.Log));
            }

            if (calls[0].Json)
            {
                calls[0].Terminal.Json(new JsonObject
                {
                    ["backups"] = new JsonArray([.. backups.Select(Json)]),
                    ["logs"] = new JsonArray([.. logs.Select(l => (JsonNode)new JsonObject
                    {
                        ["url"] = l.Url,
                        ["lag_seconds"] = l.Log.Lag?.ToTimeSpan().TotalSeconds,
                        ["lag_bytes"] = l.Log.LagBytes,
                        ["message"] = l.Log.Message,
                    })]),
                });
                return ExitCode.Ok;
            }

            Table table = new Table().Border(TableBorder.None)
                .AddColumns("BACKUP", "NODE", "STATE", "RESTORES TO", "BYTES", "VERIFIED");
            foreach (Backup backup in backups)
            {
                table.AddRow(backup.BackupId, backup.Node, Word(backup.State),
                    backup.EndTime is { } end ? $"{end.ToDateTimeOffset():u} or later" : Markup.Escape(backup.Message),
                    backup.Bytes.ToString(CultureInfo.InvariantCulture), Markup.Escape(Verified(backup.Verification)));
            }

            calls[0].Terminal.Show(table);
            foreach ((string url, LogArchive log) in logs)
            {
                calls[0].Terminal.Line(log.Message.Length > 0
                    ? $"{url}: the log is not archived: {log.Message}"
                    : string.Create(
                        CultureInfo.InvariantCulture, $"{url}: the log is archived but for {log.LagBytes} bytes."));
            }

            return ExitCode.Ok;
        });

    private static Command Restore(Session session)
    {
        Option<string> instance = SharedOptions.Instance();
        Option<string> region = new("--from")
        {
            Description = "The node's region.", HelpName = "REGION", Required = true,
        };
        Option<string> zone = new("--zone")
        {
            Description = "The node's zone.", HelpName = "ZONE", DefaultValueFactory = _ => "a",
        };
        Option<string> target = new("--to")
        {
            Description = "The folder that gets pgdata/: a server's own (its pgdata moved away), or a new one.",
            HelpName = "DIR",
            Required = true,
        };
        Option<string?> time = new("--time")
        {
            Description = "Up to when, e.g. 2026-11-25T12:00:00Z (default: all that is archived).", HelpName = "TIME",
        };
        Option<string?> backup = new("--backup")
        {
            Description = "From which (default: the newest before TIME).", HelpName = "ID",
        };
        Command command = new("restore", "Restore a node's database server, offline, into a new data folder.")
        {
            region, zone, target, time, backup, instance,
        };
        command.SetAction(async (parse, cancellation) =>
        {
            UpOptions.CheckInstance(parse.GetRequiredValue(instance));
            Installation installation = session.Installation;
            (string r, string z) = (parse.GetRequiredValue(region), parse.GetRequiredValue(zone));
            string folder = installation.Instance(parse.GetRequiredValue(instance)).Folder;
            List<string> arguments =
            [
                "backup", "restore", "--to", Path.GetFullPath(parse.GetRequiredValue(target)),
                "--Lepton:Region", r, "--Lepton:Zone", z,
                "--Sync:Backup:Directory", Path.Combine(folder, "sync", $"{r}-{z}", "backups"),
                "--Sync:Backup:SecretFile", Path.Combine(installation.Home, "pki", "sync", r, "backup.key"),
                "--Sync:Backup:ToolsDirectory", Path.Combine(installation.Home, "tools", "postgres"),
            ];
            if (parse.GetValue(time) is { } wanted)
            {
                arguments.AddRange(["--time", wanted]);
            }

            if (parse.GetValue(backup) is { } id)
            {
                arguments.AddRange(["--backup", id]);
            }

            return (int)await RunAsync(installation.Binary(RestoreProgram), arguments, cancellation);
        });
        return command;
    }

    // The node's own program reads its backups: the formats are nobody else's.
    private static async Task<ExitCode> RunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        if (!File.Exists(program))
        {
            throw new CommandFailure(ExitCode.Usage, $"{program} was not built yet: ./lepton up builds it.");
        }

        using Process process = Process.Start(new ProcessStartInfo(program, arguments))
            ?? throw new CommandFailure(ExitCode.Failed, $"{program} cannot be started.");
        // Ctrl-C reaches it too, as it shares the terminal; it tidies up and ends by itself.
        await process.WaitForExitAsync(CancellationToken.None);
        return cancellation.IsCancellationRequested ? ExitCode.Interrupted
            : process.ExitCode switch
            {
                0 => ExitCode.Ok,
                2 => ExitCode.Usage,
                _ => ExitCode.Failed,
            };
    }

    private static void Show(GatewayCall call, IReadOnlyList<Backup> backups, Func<Backup, string> line)
    {
        if (call.Json)
        {
            call.Terminal.Json(new JsonObject { ["backups"] = new JsonArray([.. backups.Select(Json)]) });
            return;
        }

        foreach (Backup backup in backups)
        {
            call.Terminal.Line(line(backup));
        }
    }

    private static string Word(BackupState state) => state switch
    {
        BackupState.Running => "running",
        BackupState.Done => "done",
        _ => "FAILED",
    };

    private static string Verified(BackupVerification? found) => found?.State switch
    {
        null => "never",
        BackupState.Running => "running",
        BackupState.Done => string.Create(
            CultureInfo.InvariantCulture, $"{found.Time.ToDateTimeOffset():u}, {found.Records} records"),
        _ => $"FAILED: {found.Message}",
    };

    private static JsonNode Json(Backup backup) => new JsonObject
    {
        ["backup_id"] = backup.BackupId,
        ["node"] = backup.Node,
        ["state"] = backup.State.ToString().ToUpperInvariant(),
        ["start_time"] = backup.StartTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["end_time"] = backup.EndTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["bytes"] = backup.Bytes,
        ["server_version"] = backup.ServerVersion,
        ["message"] = backup.Message,
        ["verification"] = backup.Verification is not { } found ? null : new JsonObject
        {
            ["state"] = found.State.ToString().ToUpperInvariant(),
            ["time"] = found.Time?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
            ["records"] = found.Records,
            ["damaged_records"] = found.DamagedRecords,
            ["seconds"] = found.Duration?.ToTimeSpan().TotalSeconds,
            ["message"] = found.Message,
        },
    };
}
