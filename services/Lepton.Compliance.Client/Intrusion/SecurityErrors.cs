using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using RpcStatus = Google.Rpc.Status;

namespace Lepton.Compliance.Client.Intrusion;

/// <summary>
/// The errors of SecurityService in the suite's wire form. A *.Client stands on the protos alone, so the few lines of
/// the service defaults are here again.
/// </summary>
internal static class SecurityErrors
{
    private const string Domain = "lepton";
    private const string DetailsTrailer = "grpc-status-details-bin";

    public static RpcException FieldInvalid(string field, string takes) => Create(
        StatusCode.InvalidArgument, "FIELD_INVALID", $"{field}: {takes}", [],
        new BadRequest
        {
            FieldViolations = { new BadRequest.Types.FieldViolation { Field = field, Description = takes } },
        });

    public static RpcException TooManyStreams(int max) => Create(
        StatusCode.ResourceExhausted, "TOO_MANY_STREAMS", $"{max} streams of alerts are open.",
        new() { ["limit"] = "Lepton:Intrusion:WatchersMax" }, RetryAfter(TimeSpan.FromSeconds(30)));

    public static RpcException Stopping() => Create(
        StatusCode.Unavailable, "STOPPING", "This process leaves service.", [], RetryAfter(TimeSpan.FromSeconds(1)));

    private static RetryInfo RetryAfter(TimeSpan delay) => new() { RetryDelay = Duration.FromTimeSpan(delay) };

    private static RpcException Create(
        StatusCode code, string reason, string message, Dictionary<string, string> metadata, IMessage detail)
    {
        RpcStatus status = new()
        {
            Code = (int)code,
            Message = message,
            Details =
            {
                Any.Pack(new ErrorInfo { Reason = reason, Domain = Domain, Metadata = { metadata } }),
                Any.Pack(detail),
            },
        };
        Metadata trailers = new() { { DetailsTrailer, status.ToByteArray() } };
        return new RpcException(new Grpc.Core.Status(code, message), trailers);
    }
}
