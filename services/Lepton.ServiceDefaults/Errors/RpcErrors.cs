using System.Collections.Concurrent;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Enum = System.Enum;
using RpcStatus = Google.Rpc.Status;

namespace Lepton.ServiceDefaults;

/// <summary>
/// The one place where errors get their wire form: a gRPC status whose trailer <c>grpc-status-details-bin</c> holds a
/// google.rpc.Status with ErrorInfo (reason, domain, metadata) and further details.
/// </summary>
public static class RpcErrors
{
    /// <summary>The domain of every ErrorInfo.</summary>
    public const string Domain = "lepton";

    /// <summary>The trailer that carries the details.</summary>
    public const string DetailsTrailer = "grpc-status-details-bin";

    // An error says what came, which may be as long as a message. It goes in trailers, in the message and again in the
    // details, and peers bound those: a router takes 64 KiB, other clients as little as 8.
    private const int TextLengthMax = 1000;

    private const string Prefix = "ERROR_REASON_";
    private static readonly ConcurrentDictionary<Enum, string> Reasons = new();

    /// <summary>An error with its documented reason, e.g. <c>ErrorReason.QueueFull</c> of a service's protos.</summary>
    /// <param name="code">The gRPC status.</param>
    /// <param name="reason">A value of an <c>ErrorReason</c> enum.</param>
    /// <param name="message">For people: what came and what is expected. No personal data. Cut after 1,000
    /// characters.</param>
    /// <param name="metadata">For programs.</param>
    /// <param name="details">BadRequest, RetryInfo, PreconditionFailure and the like.</param>
    public static RpcException Create(StatusCode code, Enum reason, string message,
        IReadOnlyDictionary<string, string>? metadata = null, params ReadOnlySpan<IMessage> details)
    {
        message = Clip(message);
        var info = new ErrorInfo { Reason = ReasonOf(reason), Domain = Domain };
        foreach (var (key, value) in metadata ?? new Dictionary<string, string>())
            info.Metadata.Add(key, value);
        var status = new RpcStatus { Code = (int)code, Message = message, Details = { Any.Pack(info) } };
        foreach (var detail in details)
            status.Details.Add(Any.Pack(detail));
        var trailers = new Metadata { { DetailsTrailer, status.ToByteArray() } };
        return new RpcException(new Grpc.Core.Status(code, message), trailers);
    }

    /// <summary>INVALID_ARGUMENT for one field: its path and what it takes.</summary>
    public static RpcException FieldInvalid(string field, string takes) =>
        Create(StatusCode.InvalidArgument, Platform.V1.ErrorReason.FieldInvalid, $"{field}: {takes}", null,
            BadField(field, takes));

    /// <summary>A text as it may stand in an error: not longer than 1,000 characters.</summary>
    public static string Clip(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length <= TextLengthMax)
            return text;
        // Not between the two halves of one character.
        var end = char.IsHighSurrogate(text[TextLengthMax - 1]) ? TextLengthMax - 1 : TextLengthMax;
        return $"{text.AsSpan(0, end)}... ({text.Length} characters)";
    }

    /// <summary>The detail that names one wrong field.</summary>
    public static BadRequest BadField(string field, string takes) => new()
    {
        FieldViolations = { new BadRequest.Types.FieldViolation { Field = Clip(field), Description = Clip(takes) } },
    };

    /// <summary>The detail that says when to try again.</summary>
    public static RetryInfo RetryAfter(TimeSpan delay) => new() { RetryDelay = Duration.FromTimeSpan(delay) };

    /// <summary>The reason as it goes over the wire: QUEUE_FULL.</summary>
    public static string ReasonOf(Enum reason) => Reasons.GetOrAdd(reason, static r =>
    {
        var field = r.GetType().GetField(r.ToString())
            ?? throw new ArgumentException($"{r} is no value of {r.GetType()}.", nameof(reason));
        var name = field.GetCustomAttribute<OriginalNameAttribute>()?.Name ?? field.Name;
        return name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
    });

    /// <summary>The details of an error of another service; null when it has none or damaged ones.</summary>
    public static RpcStatus? DetailsOf(RpcException e)
    {
        ArgumentNullException.ThrowIfNull(e);
        return e.Trailers.GetValueBytes(DetailsTrailer) is { } bytes ? DetailsOf(bytes) : null;
    }

    /// <summary>The details in the value of <see cref="DetailsTrailer"/>; null when it is damaged.</summary>
    public static RpcStatus? DetailsOf(ReadOnlySpan<byte> trailer)
    {
        try
        {
            return RpcStatus.Parser.ParseFrom(trailer);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <summary>What an error's details say of its cause; null when they don't.</summary>
    public static ErrorInfo? InfoOf(RpcStatus? details) => details?.Details
        .FirstOrDefault(d => d.Is(ErrorInfo.Descriptor))?.Unpack<ErrorInfo>();

    /// <summary>The reason of an error of another service; null when it has none.</summary>
    public static string? ReasonOf(RpcException e) => InfoOf(DetailsOf(e))?.Reason;
}
