using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Grpc.Core;
using Lepton.Sync.V1;
using Spectre.Console;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync erase|erasure|export</c>: the rights of a data subject.</summary>
internal static class SubjectCommands
{
    public static Command Erase(Session session)
    {
        Argument<string> subject = Subject();
        Option<string> owner = RecordArguments.OwnerOption();
        return SyncCommand.Calls(session).Complete(
            new Command("erase", "Make everything about a subject unreadable, everywhere.") { subject, owner },
            async (parse, call, _) =>
            {
                EraseResponse answer = await call.Gateway.Subjects.EraseAsync(
                    new EraseRequest
                    {
                        Subject = parse.GetRequiredValue(subject), Tenant = parse.GetRequiredValue(owner),
                    },
                    call.Options);
                Show(call, answer.Erasure);
                return ExitCode.Ok;
            });
    }

    public static Command Erasure(Session session)
    {
        Argument<string> id = new("ID") { Description = "As erase printed it." };
        return SyncCommand.Calls(session).Complete(
            new Command("erasure", "How far an erasure is, and its receipts.") { id }, async (parse, call, _) =>
            {
                GetErasureResponse answer = await call.Gateway.Subjects.GetErasureAsync(
                    new GetErasureRequest { ErasureId = parse.GetRequiredValue(id) }, call.Options);
                Show(call, answer.Erasure);
                return ExitCode.Ok;
            });
    }

    public static Command Export(Session session)
    {
        Argument<string> subject = Subject();
        Option<string> owner = RecordArguments.OwnerOption();
        return SyncCommand.Calls(session).Complete(
            new Command("export", "Every record of a subject that the region may read, one JSON line each.")
            {
                subject, owner,
            },
            async (parse, call, cancellation) =>
            {
                using AsyncServerStreamingCall<ExportResponse> stream = call.Gateway.Subjects.Export(
                    new ExportRequest
                    {
                        Subject = parse.GetRequiredValue(subject), Tenant = parse.GetRequiredValue(owner),
                    },
                    call.Options);
                await foreach (ExportResponse message in stream.ResponseStream.ReadAllAsync(cancellation))
                {
                    call.Terminal.JsonLine(ReadCommands.Json(message.Record));
                }

                return ExitCode.Ok;
            });
    }

    private static void Show(GatewayCall call, Erasure erasure)
    {
        if (call.Json)
        {
            call.Terminal.Json(new JsonObject
            {
                ["erasure_id"] = erasure.ErasureId,
                ["tenant"] = erasure.Tenant,
                ["order_time"] = erasure.OrderTime.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
                ["receipts"] = new JsonArray([.. erasure.Receipts.Select(Json)]),
            });
            return;
        }

        call.Terminal.Line($"erasure {erasure.ErasureId}");
        Table table = new Table().Border(TableBorder.None).AddColumns("NODE", "STATE", "KEYS", "RECORDS", "WHEN");
        foreach (ErasureReceipt receipt in erasure.Receipts)
        {
            bool done = receipt.State == ErasureState.Done;
            table.AddRow(receipt.Node, done ? "done" : "PENDING",
                done ? receipt.Keys.ToString(CultureInfo.InvariantCulture) : "",
                done ? receipt.Records.ToString(CultureInfo.InvariantCulture) : "",
                done ? $"{receipt.DestroyTime.ToDateTimeOffset():u}" : "");
        }

        call.Terminal.Show(table);
    }

    private static JsonNode Json(ErasureReceipt receipt) => new JsonObject
    {
        ["node"] = receipt.Node,
        ["region"] = receipt.Region,
        ["state"] = receipt.State == ErasureState.Done ? "DONE" : "PENDING",
        ["destroy_time"] = receipt.DestroyTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        ["keys"] = receipt.Keys,
        ["records"] = receipt.Records,
        ["signature"] = receipt.Signature,
    };

    private static Argument<string> Subject() => new("SUBJECT")
    {
        Description = "The subject, as put --subject named it.",
    };
}
