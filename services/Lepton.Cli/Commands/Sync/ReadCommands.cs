using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lepton.Sync.V1;

namespace Lepton.Cli.Commands.Sync;

/// <summary><c>lepton sync get|scan|watch</c>.</summary>
internal static class ReadCommands
{
    private static readonly UTF8Encoding strictUtf8 = new(false, throwOnInvalidBytes: true);

    public static Command Get(Session session)
    {
        RecordArguments record = new();
        Option<bool> local = Local();
        Option<double?> maxAge = new("--max-age")
        {
            Description = "Seconds, 0 to 300: a cached or replicated copy of at most this age does.",
            HelpName = "SECONDS",
        };
        Command command = new("get", "Read a record.");
        record.AddTo(command);
        command.Options.Add(local);
        command.Options.Add(maxAge);
        return SyncCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            GetRequest request = new()
            {
                Key = record.Read(parse),
                Consistency = parse.GetValue(local) ? ReadConsistency.Local
                    : parse.GetValue(maxAge) is null ? ReadConsistency.Home
                    : ReadConsistency.Cached,
            };
            if (parse.GetValue(maxAge) is { } seconds)
            {
                if (seconds is not (>= 0 and <= 300))
                {
                    throw new CommandFailure(ExitCode.Usage, $"--max-age {seconds}: seconds, 0 to 300.");
                }

                request.MaxAge = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));
            }

            GetResponse answer = await call.Gateway.Records.GetAsync(
                request, WriteCommands.Headers(call, request.Key));
            if (call.Json)
            {
                JsonObject json = Json(answer.Record);
                json["freshness"] = Json(answer.Freshness);
                call.Terminal.Json(json);
            }
            else
            {
                call.Terminal.Line(Text(answer.Record.Value));
                call.Terminal.Progress($"version {answer.Record.Version}, {Sentence(answer.Freshness)}");
            }

            return ExitCode.Ok;
        });
    }

    public static Command Scan(Session session)
    {
        Argument<string> prefix = Prefix();
        Option<string> recordClass = RecordArguments.ClassOption(), owner = RecordArguments.OwnerOption();
        Option<bool> local = Local();
        Option<int> limit = new("--limit")
        {
            Description = "At most as many records.", DefaultValueFactory = _ => 1000, HelpName = "COUNT",
        };
        Command command = new("scan", "List the records whose keys begin with a prefix.")
        {
            prefix, recordClass, owner, local, limit,
        };
        return SyncCommand.Calls(session).Complete(command, async (parse, call, _) =>
        {
            ScanRequest request = new()
            {
                RecordClass = parse.GetRequiredValue(recordClass),
                Prefix = parse.GetValue(prefix) ?? "",
                Tenant = parse.GetRequiredValue(owner),
                Consistency = parse.GetValue(local) ? ReadConsistency.Local : ReadConsistency.Home,
            };
            int left = parse.GetValue(limit);
            do
            {
                request.PageSize = Math.Min(left, 1000);
                ScanResponse page = await call.Gateway.Records.ScanAsync(request, call.Options);
                foreach (Record found in page.Records)
                {
                    if (call.Json)
                    {
                        call.Terminal.JsonLine(Json(found));
                    }
                    else
                    {
                        call.Terminal.Line($"{found.Key.Key}\t{Text(found.Value)}");
                    }
                }

                left -= page.Records.Count;
                request.PageToken = page.NextPageToken;
            }
            while (request.PageToken.Length > 0 && left > 0);
            return ExitCode.Ok;
        });
    }

    public static Command Watch(Session session)
    {
        Argument<string> prefix = Prefix();
        Option<string> recordClass = RecordArguments.ClassOption(), owner = RecordArguments.OwnerOption();
        Option<string> after = new("--after")
        {
            Description = "A resume token of an earlier watch of the same node.",
            DefaultValueFactory = _ => "",
            HelpName = "TOKEN",
        };
        Command command = new("watch", "Follow changes until --timeout or Ctrl+C.")
        {
            prefix, recordClass, owner, after,
        };
        return SyncCommand.Calls(session).Complete(command, async (parse, call, cancellation) =>
        {
            WatchRequest request = new()
            {
                RecordClass = parse.GetRequiredValue(recordClass),
                Prefix = parse.GetValue(prefix) ?? "",
                Tenant = parse.GetRequiredValue(owner),
                ResumeToken = parse.GetRequiredValue(after),
            };
            using AsyncServerStreamingCall<WatchResponse> stream =
                call.Gateway.Records.Watch(request, call.Options);
            try
            {
                await foreach (WatchResponse message in stream.ResponseStream.ReadAllAsync(cancellation))
                {
                    Show(call, message);
                }
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.DeadlineExceeded)
            {
                // --timeout is how long to watch.
            }

            return ExitCode.Ok;
        });
    }

    /// <summary>A record as JSON: text where the value is text, else base64.</summary>
    public static JsonObject Json(Record record)
    {
        JsonObject json = new()
        {
            ["class"] = record.Key.RecordClass,
            ["tenant"] = record.Key.Tenant,
            ["key"] = record.Key.Key,
            ["version"] = record.Version,
            ["write_time"] = record.WriteTime?.ToDateTimeOffset().ToString("O", CultureInfo.InvariantCulture),
        };
        AddValue(json, record.Value);
        return json;
    }

    private static void Show(GatewayCall call, WatchResponse message)
    {
        if (message.Change is not { } change)
        {
            return; // a heartbeat
        }

        if (!call.Json)
        {
            call.Terminal.Line(
                $"{change.Key.Key}\t{(change.Deleted ? "(deleted)" : Text(change.Value))}");
            return;
        }

        JsonObject json = new()
        {
            ["key"] = change.Key.Key,
            ["deleted"] = change.Deleted,
            ["version"] = change.Version,
            ["resume_token"] = message.ResumeToken,
        };
        if (!change.Deleted)
        {
            AddValue(json, change.Value);
        }

        call.Terminal.JsonLine(json);
    }

    /// <summary>As text where it is text, else in base64.</summary>
    public static void AddValue(JsonObject json, ByteString value)
    {
        try
        {
            json["value"] = strictUtf8.GetString(value.Span);
        }
        catch (DecoderFallbackException)
        {
            json["value_base64"] = value.ToBase64();
        }
    }

    /// <summary>Likewise, for a line.</summary>
    public static string Text(ByteString value)
    {
        try
        {
            return strictUtf8.GetString(value.Span);
        }
        catch (DecoderFallbackException)
        {
            return $"base64:{value.ToBase64()}";
        }
    }

    private static JsonObject Json(Freshness freshness) => new()
    {
        ["node"] = freshness.Node,
        ["home"] = freshness.Home,
        ["cached"] = freshness.Cached,
        ["staleness_max_ms"] = freshness.StalenessMax?.ToTimeSpan().TotalMilliseconds,
    };

    private static string Sentence(Freshness freshness) => freshness.Home
        ? $"from its home {freshness.Node}"
        : $"from {freshness.Node}{(freshness.Cached ? "'s cache" : "")}, "
            + (freshness.StalenessMax is { } age
                ? string.Create(CultureInfo.InvariantCulture, $"at most {age.ToTimeSpan().TotalMilliseconds:0} ms old")
                : "how old is not known");

    private static Option<bool> Local() => new("--local")
    {
        Description = "From the node that is asked, however old its copy is.",
    };

    private static Argument<string> Prefix() => new("PREFIX")
    {
        Description = "What the keys begin with (default: all).", Arity = ArgumentArity.ZeroOrOne,
    };
}
