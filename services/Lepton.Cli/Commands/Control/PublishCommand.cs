using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using Lepton.Cli.Commands.Policies;
using Lepton.Cli.Commands.Sync;
using Lepton.Cli.Platform;
using Lepton.Sync.V1;

namespace Lepton.Cli.Commands.Control;

/// <summary>
/// <c>lepton policy publish</c> and <c>lepton access publish</c>: sign a file and write it as the record that every
/// service follows, if its version is greater than the one there.
/// </summary>
internal static class PublishCommand
{
    private const string Owner = "platform";

    /// <summary>Past approval and pilot: for when there is no compliance service to ask.</summary>
    public static Command Policy(Session session) => Create(
        session, "control/residency", "residency.json", "the residency policy, in an emergency, past its approval,");

    public static Command Access(Session session) => new("access", "Roles and tenants.")
    {
        Create(session, "control/access", "access.json", "roles and tenants"),
    };

    private static Command Create(Session session, string record, string standard, string what)
    {
        Argument<string?> file = new("FILE")
        {
            Description = $"The file (default: deploy/{standard}).",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Command command = new("publish",
            $"Sign {what} and give it to every service, within seconds and without a restart (with up --profile full).")
        {
            file,
        };
        return new GatewayCommand(session, Owner, ClientService.Sync).Complete(
            command, async (parse, call, cancellation) =>
            {
                string path = parse.GetValue(file)
                    ?? Path.Combine(session.Installation.Root, "deploy", standard);
                ReadOnlyMemory<byte> content = await InferCommand.ReadAsync(path, cancellation);
                ControlDocument document = ControlDocument.Read(
                    path, record == PolicyOrder.Record ? PolicyFile.Bundle(path) : content);
                byte[] jws = new ControlSigner(session.Installation, session.Time).Sign(record, document);
                await PublishAsync(call, record, document, jws);
                return ExitCode.Ok;
            });
    }

    private static async Task PublishAsync(GatewayCall call, string record, ControlDocument document, byte[] jws)
    {
        RecordKey key = new() { RecordClass = "global", Tenant = Owner, Key = record };
        Record? there = await FindAsync(call, key);
        if (there is not null && ControlSigner.Peek(there.Value.Span) is { } before
            && before.Version >= document.Version)
        {
            if (before.Version != document.Version || !document.Content.Span.SequenceEqual(before.Content))
            {
                throw new CommandFailure(ExitCode.Failed,
                    $"Version {before.Version} of {record} is there, and {document.Path} says {document.Version}.")
                {
                    Hints = ["Each change counts version up, a change back too."],
                };
            }

            Show(call, record, document.Version, there.Version, isNew: false);
            return;
        }

        PutRequest request = new()
        {
            Write = new Write
            {
                Key = key,
                Value = UnsafeByteOperations.UnsafeWrap(jws),
                ExpectedVersion = there?.Version ?? "0", // nobody else's in between
                RequestId = Guid.NewGuid().ToString("D"), // sent again, it is written once
            },
        };
        PutResponse answer = await call.Gateway.Records.PutAsync(request, WriteCommands.Headers(call, key));
        Show(call, record, document.Version, answer.Result.Version, isNew: true);
    }

    private static async Task<Record?> FindAsync(GatewayCall call, RecordKey key)
    {
        try
        {
            GetRequest request = new() { Key = key, Consistency = ReadConsistency.Home };
            return (await call.Gateway.Records.GetAsync(request, WriteCommands.Headers(call, key))).Record;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }

    private static void Show(GatewayCall call, string record, long version, string recordVersion, bool isNew)
    {
        if (call.Json)
        {
            call.Terminal.Json(new JsonObject
            {
                ["record"] = record,
                ["version"] = version,
                ["record_version"] = recordVersion,
                ["written"] = isNew,
            });
            return;
        }

        string number = version.ToString(CultureInfo.InvariantCulture);
        call.Terminal.Line(isNew
            ? $"{record} is of version {number} now."
            : $"{record} was of version {number}, with this content, already.");
        call.Terminal.Progress("Services take it within seconds; one that does not says why in its health and log.");
    }
}
