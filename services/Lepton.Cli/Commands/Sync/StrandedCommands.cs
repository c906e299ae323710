using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Sync.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync stranded list|show|restore|discard</c>.</summary>
internal static class StrandedCommands
{
    public static Command Create(Session session) => new(
        "stranded", "Writes of a former home that its successor never had: look, put back, throw away.")
    {
        List(session),
        Show(session),
        Restore(session),
        Discard(session),
    };

    private static Command List(Session session)
    {
        Option<int> limit = new("--limit")
        {
            Description = "At most as many of each node.", DefaultValueFactory = _ => 1000, HelpName = "COUNT",
        };
        return SyncCommand.Calls(session).CompleteForNodes(
            new Command("list", "The stranded writes of each of the region's nodes.") { limit },
            async (parse, calls, _) =>
            {
                List<StrandedWrite> found = [];
                foreach (GatewayCall call in calls)
                {
                    await AddAsync(call, found, parse.GetValue(limit));
                }

                if (calls[0].Json)
                {
                    calls[0].Terminal.Json(
                        new JsonObject { ["stranded"] = new JsonArray([.. found.Select(w => (JsonNode)Json(w))]) });
                    return ExitCode.Ok;
                }

                Table table = new Table().Border(TableBorder.None)
                    .AddColumns("NODE", "CLASS", "KEY", "WRITTEN", "BYTES", "", "ID");
                foreach (StrandedWrite write in found)
                {
                    table.AddRow(write.Node, write.RecordClass, Markup.Escape(Name(write)),
                        $"{write.WriteTime.ToDateTimeOffset():u}",
                        write.StoredBytes.ToString(CultureInfo.InvariantCulture),
                        write.Reason.Length > 0 ? write.Reason : write.Deleted ? "deletion" : "", write.StrandedId);
                }

                calls[0].Terminal.Show(table);
                return ExitCode.Ok;
            });
    }

    private static Command Show(Session session)
    {
        Argument<string> id = Id();
        return SyncCommand.Calls(session).CompleteForNodes(
            new Command("show", "One of them: its value, and what the record is now.") { id },
            async (parse, calls, _) =>
            {
                (GatewayCall call, GetStrandedWriteResponse found) = await AtItsNodeAsync(calls,
                    call => call.Gateway.Stranded.GetStrandedWriteAsync(
                        new GetStrandedWriteRequest { StrandedId = parse.GetRequiredValue(id) }, call.Options));
                if (call.Json)
                {
                    JsonObject json = Json(found.Write);
                    json["record_version"] = found.RecordVersion;
                    if (found.HasValue)
                    {
                        ReadCommands.AddValue(json, found.Value);
                    }

                    call.Terminal.Json(json);
                    return ExitCode.Ok;
                }

                call.Terminal.Line(found.HasValue ? ReadCommands.Text(found.Value)
                    : found.Write.Reason.Length > 0 ? $"(not readable: {found.Write.Reason})"
                    : found.Write.Deleted ? "(deletion)" : "(not for you to read)");
                call.Terminal.Progress($"{Name(found.Write)}, version {found.Write.Version}, put aside "
                    + $"{found.Write.StrandTime.ToDateTimeOffset():u}; the record now: " + found.RecordVersion switch
                    {
                        "" => "not known",
                        "0" => "none",
                        string version => $"version {version}",
                    });
                return ExitCode.Ok;
            });
    }

    private static Command Restore(Session session)
    {
        Argument<string> id = Id();
        Option<string> expect = new("--expect")
        {
            Description = "Only if this is the record's version now; 0: only if there is none.",
            DefaultValueFactory = _ => "",
            HelpName = "VERSION",
        };
        return SyncCommand.Calls(session).CompleteForNodes(
            new Command("restore", "Write it again, as a new version.") { id, expect },
            async (parse, calls, _) =>
            {
                (GatewayCall call, RestoreStrandedWriteResponse done) = await AtItsNodeAsync(calls,
                    call => call.Gateway.Stranded.RestoreStrandedWriteAsync(
                        new RestoreStrandedWriteRequest
                        {
                            StrandedId = parse.GetRequiredValue(id), ExpectedVersion = parse.GetRequiredValue(expect),
                        },
                        call.Options));
                WriteCommands.Show(call, done.Result);
                return ExitCode.Ok;
            });
    }

    private static Command Discard(Session session)
    {
        Argument<string> id = Id();
        return SyncCommand.Calls(session).CompleteForNodes(
            new Command("discard", "Throw it away, for good.") { id },
            async (parse, calls, _) =>
            {
                (GatewayCall call, DiscardStrandedWriteResponse done) = await AtItsNodeAsync(calls,
                    call => call.Gateway.Stranded.DiscardStrandedWriteAsync(
                        new DiscardStrandedWriteRequest { StrandedId = parse.GetRequiredValue(id) }, call.Options));
                if (call.Json)
                {
                    call.Terminal.Json(Json(done.Write));
                    return ExitCode.Ok;
                }

                call.Terminal.Line($"Version {done.Write.Version} of {Name(done.Write)} was thrown away.");
                return ExitCode.Ok;
            });
    }

    private static async Task AddAsync(GatewayCall call, List<StrandedWrite> found, int left)
    {
        ListStrandedWritesRequest request = new();
        do
        {
            request.PageSize = Math.Clamp(left, 1, 100);
            ListStrandedWritesResponse page = await call.Gateway.Stranded.ListStrandedWritesAsync(
                request, call.Options);
            found.AddRange(page.Writes.Take(left));
            left -= page.Writes.Count;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && left > 0);
    }

    /// <summary>A write is one node's: each is asked until one knows it.</summary>
    private static async Task<(GatewayCall Call, T Answer)> AtItsNodeAsync<T>(
        IReadOnlyList<GatewayCall> calls, Func<GatewayCall, AsyncUnaryCall<T>> ask)
    {
        for (int i = 0; ; i++)
        {
            try
            {
                return (calls[i], await ask(calls[i]));
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound && i < calls.Count - 1)
            {
                // It may be the next one's.
            }
        }
    }

    private static string Name(StrandedWrite write) =>
        write.Key.Length > 0 ? $"{write.Tenant}/{write.Key}" : "(not for you to read)";

    private static JsonObject Json(StrandedWrite write) => new()
    {
        ["stranded_id"] = write.StrandedId,
        ["node"] = write.Node,
        ["class"] = write.RecordClass,
        ["tenant"] = write.Tenant,
        ["key"] = write.Key,
        ["version"] = write.Version,
        ["write_time"] = write.WriteTime.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["strand_time"] = write.StrandTime.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["stored_bytes"] = write.StoredBytes,
        ["deleted"] = write.Deleted,
        ["reason"] = write.Reason,
    };

    private static Argument<string> Id() => new("ID") { Description = "As list prints it." };
}
