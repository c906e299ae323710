using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Lepton.ServiceDefaults;

/// <summary>Writes an error where no gRPC handler runs: as a trailers-only answer.</summary>
public static class RpcErrorWriter
{
    /// <summary>Answers with the error. Nothing may have been sent yet.</summary>
    public static Task WriteToAsync(this RpcException error, HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(error);
        ArgumentNullException.ThrowIfNull(context);
        var response = context.Response;
        if (!IsGrpc(context.Request))
        {
            response.StatusCode = HttpStatus(error.StatusCode);
            response.ContentType = "text/plain";
            return response.WriteAsync(
                $"{RpcErrors.ReasonOf(error)}: {error.Status.Detail}\n", context.RequestAborted);
        }
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        AppendTo(error, response.Headers);
        // Trailers-only: the headers end the stream, so that a client never waits for a body.
        return response.CompleteAsync();
    }

    private static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) ?? false;

    private static int HttpStatus(StatusCode code) => code switch
    {
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.Unimplemented => StatusCodes.Status404NotFound,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>Appends status, message and details to headers or trailers.</summary>
    public static void AppendTo(RpcException error, IHeaderDictionary headers)
    {
        ArgumentNullException.ThrowIfNull(error);
        ArgumentNullException.ThrowIfNull(headers);
        headers["grpc-status"] = ((int)error.StatusCode).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = PercentEncode(error.Status.Detail);
        foreach (var entry in error.Trailers)
            headers[entry.Key] = entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes) : entry.Value;
    }

    /// <summary>gRPC's percent encoding of a message: printable ASCII but '%' as it is, the rest as UTF-8
    /// %XX.</summary>
    public static string PercentEncode(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (message.All(c => c is >= ' ' and <= '~' and not '%'))
            return message;
        var encoded = new StringBuilder(message.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(message))
        {
            if (b is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
                encoded.Append((char)b);
            else
                encoded.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return encoded.ToString();
    }
}
