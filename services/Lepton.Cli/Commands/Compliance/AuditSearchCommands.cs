using System.CommandLine;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands.Compliance;

/// <summary><c>lepton audit search|show|export</c>: what is in the region's audit logs.</summary>
internal static class AuditSearchCommands
{
    private const int PageMax = 1000;

    public static Command Search(Session session)
    {
        AuditFilterOptions filter = new(session.Time);
        Option<int> limit = new("--limit")
        {
            Description = "At most so many.", DefaultValueFactory = _ => 50, HelpName = "COUNT",
        };
        Option<bool> partly = new("--allow-missing")
        {
            Description = "Go on without a zone's log that does not answer.",
        };
        Command command = new("search", "Events of the region's audit logs, the newest first.") { limit, partly };
        filter.AddTo(command);
        return RolesCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            int left = parse.GetValue(limit);
            if (left is < 1 or > 100_000)
            {
                throw new CommandFailure(ExitCode.Usage, "--limit takes 1 to 100000.");
            }

            SearchEntriesRequest request = new()
            {
                Filter = filter.Read(parse), AllowMissingLogs = parse.GetValue(partly),
            };
            List<FoundEntry> found = [];
            do
            {
                request.PageSize = Math.Min(left, PageMax);
                SearchEntriesResponse page = await call.Gateway.Audit.SearchEntriesAsync(request, call.Options);
                found.AddRange(page.Entries);
                left -= page.Entries.Count;
                request.PageToken = page.NextPageToken;
                if (found.Count == page.Entries.Count && page.MissingLogs.Count > 0)
                {
                    call.Terminal.Progress($"Without the log of {string.Join(", ", page.MissingLogs)}.");
                }
            }
            while (request.PageToken.Length > 0 && left > 0);
            if (call.Json)
            {
                call.Terminal.Json(new JsonObject
                {
                    ["entries"] = new JsonArray([.. found.Select(f => (JsonNode)Json(f))]),
                    ["more"] = request.PageToken.Length > 0,
                });
                return ExitCode.Ok;
            }

            Show(call, found);
            if (request.PageToken.Length > 0)
            {
                call.Terminal.Progress("There are more: --limit COUNT, or narrow it.");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Show(Session session)
    {
        Argument<string> id = new("EVENT")
        {
            Description = "The event's id, as search prints it.",
        };
        return RolesCommand.Calls(session).Complete(
            new Command("show", "One event with everything that is known of it.") { id },
            async (parse, call, _) =>
            {
                SearchEntriesResponse page = await call.Gateway.Audit.SearchEntriesAsync(
                    new SearchEntriesRequest
                    {
                        Filter = new AuditFilter { EventId = parse.GetRequiredValue(id) }, PageSize = 2,
                    },
                    call.Options);
                if (page.Entries.Count == 0)
                {
                    throw new CommandFailure(ExitCode.Failed, "There is no such event in this region, or it is not "
                        + "for you to read.");
                }

                call.Terminal.Json(Json(page.Entries[0]));
                return ExitCode.Ok;
            });
    }

    public static Command Export(Session session)
    {
        AuditFilterOptions filter = new(session.Time);
        Argument<string> folder = new("FOLDER") { Description = "A file a zone is written there." };
        Option<string> format = new("--format")
        {
            Description = "jsonl (with proofs: ./lepton audit verify), csv or ocsf.",
            DefaultValueFactory = _ => "jsonl",
            HelpName = "FORMAT",
        };
        Option<long> since = new("--since-size")
        {
            Description = "Of jsonl: prove, too, that the log begins as it was at this size.", HelpName = "SIZE",
        };
        Command command = new("export", "Take events out of each of the region's logs, with proofs.")
        {
            folder, format, since,
        };
        filter.AddTo(command);
        return RolesCommand.Calls(session).CompleteForNodes(command, async (parse, calls, cancellation) =>
        {
            ExportEntriesRequest request = new()
            {
                Filter = filter.Read(parse),
                SinceSize = (ulong)Math.Max(0, parse.GetValue(since)),
                Format = parse.GetRequiredValue(format) switch
                {
                    "jsonl" => ExportFormat.Jsonl,
                    "csv" => ExportFormat.Csv,
                    "ocsf" => ExportFormat.Ocsf,
                    var other => throw new CommandFailure(
                        ExitCode.Usage, $"--format {other}: takes jsonl, csv or ocsf."),
                },
            };
            string target = Directory.CreateDirectory(parse.GetRequiredValue(folder)).FullName;
            JsonArray files = [];
            foreach ((GatewayCall call, int i) in calls.Select((c, i) => (c, i)))
            {
                string file = Path.Combine(target,
                    $"audit-{call.Gateway.Region}-{"ab"[i]}.{parse.GetRequiredValue(format)}");
                files.Add(new JsonObject
                {
                    ["file"] = file, ["bytes"] = await WriteAsync(call, request, file, cancellation),
                });
            }

            if (calls[0].Json)
            {
                calls[0].Terminal.Json(new JsonObject { ["files"] = files });
                return ExitCode.Ok;
            }

            foreach (JsonNode? file in files)
            {
                calls[0].Terminal.Line($"{file?["file"]}  {file?["bytes"]} bytes");
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>Whole or not at all: what was cut off has no name of an export.</summary>
    private static async Task<long> WriteAsync(
        GatewayCall call, ExportEntriesRequest request, string file, CancellationToken cancellation)
    {
        string part = file + ".part";
        try
        {
            long length;
            await using (FileStream to = new(part, new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
                // As long as it takes: --timeout is for the first piece of it.
                using AsyncServerStreamingCall<ExportEntriesResponse> export = call.Gateway.Audit.ExportEntries(
                    request, call.Options.WithDeadline(DateTime.MaxValue));
                await foreach (ExportEntriesResponse piece in export.ResponseStream.ReadAllAsync(cancellation))
                {
                    await to.WriteAsync(piece.Data.Memory, cancellation);
                }

                length = to.Length;
            }

            File.Move(part, file, overwrite: true);
            return length;
        }
        finally
        {
            File.Delete(part);
        }
    }

    private static void Show(GatewayCall call, List<FoundEntry> found)
    {
        Table table = new Table().Border(TableBorder.None)
            .AddColumns("WRITTEN", "WHO", "WHAT", "TO WHAT", "OUTCOME", "WHERE", "EVENT");
        foreach (FoundEntry entry in found)
        {
            AuditEvent e = entry.Event;
            table.AddRow($"{entry.WriteTime.ToDateTimeOffset():u}", Markup.Escape(Who(entry)), Markup.Escape(e.Action),
                Markup.Escape(e.Resource), e.Outcome.ToString().ToLowerInvariant()
                    + (e.Reason.Length > 0 ? $" ({Markup.Escape(e.Reason)})" : ""),
                $"{entry.Log} {entry.Sequence}", e.Id);
        }

        call.Terminal.Show(table);
    }

    private static string Who(FoundEntry entry) => entry.ActorErased ? "(erased)" : entry.Event.Actor?.Principal ?? "-";

    private static JsonObject Json(FoundEntry entry) => new()
    {
        ["log"] = entry.Log,
        ["sequence"] = entry.Sequence,
        ["write_time"] = entry.WriteTime.ToDateTimeOffset().ToString("O"),
        ["actor_erased"] = entry.ActorErased,
        ["subject_erased"] = entry.SubjectErased,
        ["event"] = JsonNode.Parse(JsonFormatter.Default.Format(entry.Event)),
    };
}
