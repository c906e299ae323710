namespace Lepton.Routing.Gateway;

/// <summary>Names of metadata that the gateway reads or writes.</summary>
internal static class Headers
{
    public const string DataClass = "x-lepton-data-class";
    public const string Priority = "x-lepton-priority";
    public const string Strategy = "x-lepton-strategy";
    public const string Tags = "x-lepton-tags";
    public const string DecisionId = "x-lepton-decision-id";
    public const string Region = "x-lepton-region";
    public const string Node = "x-lepton-node";
    public const string Provider = "x-lepton-provider";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string ContentType = "application/grpc";

    /// <summary>
    /// Is this gRPC's content type: application/grpc, with or without +FORMAT or parameters? What only begins with it,
    /// such as application/grpc-web, is another protocol.
    /// </summary>
    public static bool IsGrpc(string? contentType) =>
        contentType?.StartsWith(ContentType, StringComparison.Ordinal) == true
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';' or ' ');
}
