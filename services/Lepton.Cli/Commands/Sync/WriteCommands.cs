using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Lepton.Sync.V1;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync put|delete</c>.</summary>
internal static class WriteCommands
{
    public static Command Put(Session session)
    {
        RecordArguments record = new();
        Argument<string> value = new("VALUE")
        {
            Description = "The value as text; @FILE takes a file's bytes, - standard input.",
        };
        Option<string> subject = new("--subject")
        {
            Description = "Whose personal data it is: erase takes the same name.",
            DefaultValueFactory = _ => "",
            HelpName = "SUBJECT",
        };
        WriteOptions options = new();
        Command command = new("put", "Write a record.");
        record.AddTo(command);
        command.Arguments.Add(value);
        command.Options.Add(subject);
        options.AddTo(command);
        return SyncCommand.Calls(session).Complete(command, async (parse, call, cancellation) =>
        {
            (WriteLevel level, int others) = options.Level(parse);
            PutRequest request = new()
            {
                Write = new Write
                {
                    Key = record.Read(parse),
                    Value = await ValueAsync(parse.GetRequiredValue(value), cancellation),
                    Subject = parse.GetRequiredValue(subject),
                    ExpectedVersion = options.Expected(parse),
                    RequestId = Guid.NewGuid().ToString("D"), // sent again, it is written once
                },
                Level = level,
                OtherRegions = others,
            };
            Show(call, (await call.Gateway.Records.PutAsync(request, Headers(call, request.Write.Key))).Result);
            return ExitCode.Ok;
        });
    }

    public static Command Delete(Session session)
    {
        RecordArguments record = new();
        WriteOptions options = new();
        Command command = new("delete", "Delete a record.");
        record.AddTo(command);
        options.AddTo(command);
        return SyncCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            (WriteLevel level, int others) = options.Level(parse);
            DeleteRequest request = new()
            {
                Key = record.Read(parse),
                ExpectedVersion = options.Expected(parse),
                RequestId = Guid.NewGuid().ToString("D"),
                Level = level,
                OtherRegions = others,
            };
            Show(call, (await call.Gateway.Records.DeleteAsync(request, Headers(call, request.Key))).Result);
            return ExitCode.Ok;
        });
    }

    /// <summary>With the class in the metadata a node that may not have the record refuses it unread.</summary>
    public static Grpc.Core.CallOptions Headers(GatewayCall call, RecordKey key) =>
        call.Options.WithHeaders([new("x-lepton-record-class", key.RecordClass)]);

    private static async Task<ByteString> ValueAsync(string given, CancellationToken cancellation)
    {
        if (given == "-")
        {
            using Stream input = Console.OpenStandardInput();
            return await ByteString.FromStreamAsync(input, cancellation);
        }

        return given.StartsWith('@')
            ? ByteString.CopyFrom(await InferCommand.ReadAsync(given[1..], cancellation))
            : ByteString.CopyFromUtf8(given);
    }

    /// <summary>What became of a write.</summary>
    public static void Show(GatewayCall call, WriteResult result)
    {
        Durability durability = result.Durability;
        if (call.Json)
        {
            call.Terminal.Json(new JsonObject
            {
                ["version"] = result.Version,
                ["repeated"] = result.Repeated,
                ["committed"] = durability.Committed,
                ["zone_confirmed"] = durability.ZoneConfirmed,
                ["confirmed_regions"] =
                    new JsonArray([.. durability.ConfirmedRegions.Select(r => (JsonNode)r)]),
            });
            return;
        }

        string[] places =
        [
            "its home",
            .. durability.ZoneConfirmed ? (string[])["a second zone"] : [],
            .. durability.ConfirmedRegions,
        ];
        call.Terminal.Line($"version {result.Version}, committed in {string.Join(", ", places)}");
    }

    private sealed class WriteOptions
    {
        private readonly Option<string> level = new("--level")
        {
            Description = "What to wait for: local, zone, any-1 to any-8 (other regions), each "
                + "(default: the class's own).",
            DefaultValueFactory = _ => "",
            HelpName = "LEVEL",
        };

        private readonly Option<string> expect = new("--expect")
        {
            Description = "Only if this is the record's version now; 0: only if there is none.",
            DefaultValueFactory = _ => "",
            HelpName = "VERSION",
        };

        public void AddTo(Command command)
        {
            command.Options.Add(level);
            command.Options.Add(expect);
        }

        public string Expected(ParseResult parse) => parse.GetRequiredValue(expect);

        public (WriteLevel Level, int Others) Level(ParseResult parse)
        {
            string given = parse.GetRequiredValue(level);
            if (given.StartsWith("any-", StringComparison.Ordinal) && int.TryParse(
                given.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out int others)
                && others is >= 1 and <= 8)
            {
                return (WriteLevel.Any, others);
            }

            return given switch
            {
                "" => (WriteLevel.Unspecified, 0),
                "local" => (WriteLevel.Local, 0),
                "zone" => (WriteLevel.Zone, 0),
                "each" => (WriteLevel.Each, 0),
                _ => throw new CommandFailure(
                    ExitCode.Usage, $"--level {given}: local, zone, any-1 to any-8 or each is needed."),
            };
        }
    }
}
