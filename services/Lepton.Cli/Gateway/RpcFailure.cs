using System.Net.Http;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Lepton.Cli.Output;

namespace Lepton.Cli.Gateway;

/// <summary>Turns a refusal on the wire (google.rpc.Status in trailers) into one that a person can act on.</summary>
internal static class RpcFailure
{
    private const string DetailsTrailer = "grpc-status-details-bin";
    private const string DecisionTrailer = "x-lepton-decision-id";

    private static readonly TypeRegistry known = TypeRegistry.FromFiles(ErrorInfo.Descriptor.File);

    /// <param name="exception">What came instead of an answer.</param>
    /// <param name="gateway">Who was asked.</param>
    /// <param name="instance">What a command to this instance needs behind it: <c>Instance.Option</c>.</param>
    public static CommandFailure From(RpcException exception, GatewayClient gateway, string instance)
    {
        if (OwnFailure(exception) is { } own)
        {
            return own;
        }

        IReadOnlyList<IMessage> details = Details(exception.Trailers);
        ErrorInfo? info = details.OfType<ErrorInfo>().FirstOrDefault();
        if (info is null && NeverReached(exception))
        {
            return new CommandFailure(ExitCode.PlatformDown,
                $"The gateway {gateway.Url} does not answer: {Innermost(exception)}")
            {
                Hints = [$"Is it running? ./lepton status{instance}"],
                Json = Describe(exception, info, details),
            };
        }

        string reason = info is null ? "" : $" ({info.Reason})";
        string code = Code(exception.StatusCode);
        return new CommandFailure(ExitCode.Failed, $"Refused: {code}{reason}: {exception.Status.Detail}")
        {
            Hints =
            [
                // Metadata is for programs; a person needs only what the message has not said.
                .. details.SelectMany(Hints).Where(h => !exception.Status.Detail.Contains(
                    h[(h.IndexOf(": ", StringComparison.Ordinal) + 2)..], StringComparison.Ordinal)),
                .. Decision(exception.Trailers, gateway.Region, instance),
                .. exception.StatusCode == StatusCode.Unauthenticated && gateway.LogInAgain is { } again
                    ? [again]
                    : Array.Empty<string>(),
            ],
            Json = Describe(exception, info, details),
        };
    }

    /// <summary>FailedPrecondition is FAILED_PRECONDITION in every gRPC document.</summary>
    public static string Code(StatusCode code) => WireName(code).Replace("O_K", "OK", StringComparison.Ordinal);

    /// <summary>An enum's value as documents write it: NodesManage is NODES_MANAGE.</summary>
    public static string WireName(System.Enum value) => string.Concat(value.ToString()
        .Select((c, i) => i > 0 && char.IsUpper(c) ? "_" + c : char.ToUpperInvariant(c).ToString()));

    /// <summary>What the CLI itself found out while the call was under way: that the login is over.</summary>
    private static CommandFailure? OwnFailure(RpcException exception)
    {
        Exception? cause = exception.Status.DebugException;
        while (cause is not (null or CommandFailure))
        {
            cause = cause.InnerException;
        }

        return cause as CommandFailure;
    }

    private static IReadOnlyList<IMessage> Details(Metadata trailers)
    {
        byte[]? bytes = trailers.GetValueBytes(DetailsTrailer);
        if (bytes is null)
        {
            return [];
        }

        try
        {
            return [.. Google.Rpc.Status.Parser.ParseFrom(bytes).Details
                .Select(any => any.Unpack(known)).OfType<IMessage>()];
        }
        catch (InvalidProtocolBufferException)
        {
            return []; // the status itself is shown all the same
        }
    }

    private static IEnumerable<string> Hints(IMessage detail) => detail switch
    {
        BadRequest bad => bad.FieldViolations.Select(v => $"{v.Field}: {v.Description}"),
        PreconditionFailure failure => failure.Violations.Select(v => $"{v.Type} {v.Subject}: {v.Description}"),
        QuotaFailure quota => quota.Violations.Select(v => $"{v.Subject}: {v.Description}"),
        ResourceInfo resource => [$"{resource.ResourceType} {resource.ResourceName}: {resource.Description}"],
        RetryInfo { RetryDelay: { } delay } => [$"Worth trying again after {Amounts.Milliseconds(delay)}."],
        ErrorInfo info => info.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Key}: {m.Value}"),
        _ => [],
    };

    private static IEnumerable<string> Decision(Metadata trailers, string region, string instance) =>
        trailers.GetValue(DecisionTrailer) is { } id
            ? [$"Why in detail: ./lepton explain {id} --from {region}{instance}"]
            : [];

    private static JsonObject Describe(RpcException exception, ErrorInfo? info, IReadOnlyList<IMessage> details)
    {
        JsonObject error = new()
        {
            ["code"] = Code(exception.StatusCode),
            ["reason"] = info?.Reason,
            ["message"] = exception.Status.Detail,
            ["decision_id"] = exception.Trailers.GetValue(DecisionTrailer),
        };
        if (info is { Metadata.Count: > 0 })
        {
            error["metadata"] = new JsonObject(info.Metadata.OrderBy(m => m.Key, StringComparer.Ordinal)
                .Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        }

        foreach (IMessage detail in details)
        {
            AddDetail(error, detail);
        }

        return error;
    }

    private static void AddDetail(JsonObject error, IMessage detail)
    {
        switch (detail)
        {
            case BadRequest bad:
                error["fields"] = new JsonArray([.. bad.FieldViolations.Select(v =>
                    new JsonObject { ["field"] = v.Field, ["description"] = v.Description })]);
                break;
            case PreconditionFailure failure:
                error["preconditions"] = new JsonArray([.. failure.Violations.Select(v => new JsonObject
                {
                    ["type"] = v.Type, ["subject"] = v.Subject, ["description"] = v.Description,
                })]);
                break;
            case RetryInfo { RetryDelay: not null } retry:
                error["retry_after_ms"] = Amounts.JsonMilliseconds(retry.RetryDelay);
                break;
        }
    }

    /// <summary>No connection, or one that TLS refused: either side's doubt ends the handshake.</summary>
    private static bool NeverReached(RpcException exception) =>
        exception.StatusCode == StatusCode.Unavailable || exception.Status.DebugException is HttpRequestException;

    private static string Innermost(RpcException exception)
    {
        Exception? inner = exception.Status.DebugException;
        while (inner?.InnerException is not null)
        {
            inner = inner.InnerException;
        }

        return inner?.Message ?? exception.Status.Detail;
    }
}
