using System.Collections.Frozen;
using System.Globalization;
using System.Net.Http.Headers;
using Grpc.Core;
using Lepton.Routing.Decisions;
using Lepton.ServiceDefaults;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Lepton.Routing.Gateway;

/// <summary>Passes an answer on: headers, bytes as they come, trailers, and ours behind them.</summary>
internal static class AnswerRelay
{
    private const int FlushAtBytes = 32 << 10;

    private static readonly FrozenSet<string> NotPassedOn = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
    [
        "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "content-length", "date",
        "server", Headers.DecisionId, Headers.Region, Headers.Node,
    ]);

    /// <summary>
    /// The gRPC status of a trailers-only answer, known before any byte of it is passed on; else null.
    /// </summary>
    public static StatusCode? TrailersOnlyStatus(HttpResponseMessage answer) =>
        answer.Headers.NonValidated.TryGetValues(Headers.Status, out HeaderStringValues values)
            ? Parse(values.ToString())
            : null;

    /// <summary>Starts our answer with the headers of theirs.</summary>
    public static void CopyHeaders(HttpResponseMessage answer, HttpResponse to)
    {
        to.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.NonValidated)
            if (!NotPassedOn.Contains(name))
                to.Headers[name] = ToValues(values);
        to.ContentType = answer.Content.Headers.NonValidated.TryGetValues("content-type", out HeaderStringValues type)
            ? type.ToString()
            : Headers.ContentType;
    }

    /// <summary>
    /// Copies the body. Small answers go in one piece with their trailers; a stream's messages go at once.
    /// </summary>
    public static async Task CopyBodyAsync(HttpResponseMessage answer, HttpResponse to, bool flushEach,
        CancellationToken cancellation)
    {
        await using Stream body = await answer.Content.ReadAsStreamAsync(cancellation);
        int unflushed = 0;
        while (true)
        {
            int read = await body.ReadAsync(to.BodyWriter.GetMemory(4096), cancellation);
            if (read == 0)
                return;
            to.BodyWriter.Advance(read);
            unflushed += read;
            if (!flushEach && unflushed < FlushAtBytes)
                continue;
            await to.BodyWriter.FlushAsync(cancellation);
            unflushed = 0;
        }
    }

    /// <summary>The status that the answer ended with; null when it broke off without one.</summary>
    public static StatusCode? EndStatus(HttpResponseMessage answer) =>
        answer.TrailingHeaders.NonValidated.TryGetValues(Headers.Status, out HeaderStringValues values)
            ? Parse(values.ToString())
            : TrailersOnlyStatus(answer);

    /// <summary>A value from trailers or, for a trailers-only answer, headers; empty when there is none.</summary>
    public static string Read(HttpResponseMessage answer, string name) =>
        answer.TrailingHeaders.NonValidated.TryGetValues(name, out HeaderStringValues values)
        || answer.Headers.NonValidated.TryGetValues(name, out values) ? values.First() : "";

    /// <summary>Ends our answer with their trailers and ours.</summary>
    public static void CopyTrailers(HttpResponseMessage answer, HttpResponse to, DecisionDraft draft)
    {
        IHeaderDictionary destination = Destination(to);
        foreach (var (name, values) in answer.TrailingHeaders.NonValidated)
            if (!NotPassedOn.Contains(name))
                destination[name] = ToValues(values);
        WriteOwn(destination, draft);
    }

    /// <summary>Ends our answer with an error of ours, as headers when nothing was sent yet.</summary>
    public static void WriteError(HttpResponse to, RpcException error, DecisionDraft draft)
    {
        if (!to.HasStarted)
        {
            to.StatusCode = StatusCodes.Status200OK;
            to.ContentType = Headers.ContentType;
        }
        IHeaderDictionary destination = Destination(to);
        RpcErrorWriter.AppendTo(error, destination);
        WriteOwn(destination, draft);
    }

    /// <summary>Ends an answer of our own.</summary>
    public static void WriteStatus(HttpResponse to, StatusCode status, DecisionDraft draft)
    {
        IHeaderDictionary destination = Destination(to);
        destination[Headers.Status] = ((int)status).ToString(CultureInfo.InvariantCulture);
        WriteOwn(destination, draft);
    }

    private static void WriteOwn(IHeaderDictionary destination, DecisionDraft draft)
    {
        destination[Headers.DecisionId] = draft.Id;
        if (draft.ServedRegion.Length > 0)
            destination[Headers.Region] = draft.ServedRegion;
        if (draft.ServedBy.Length > 0)
            destination[Headers.Node] = draft.ServedBy;
    }

    // Trailers-only where no body was written: the protocol's own form for errors, and one frame less.
    private static IHeaderDictionary Destination(HttpResponse to) =>
        !to.HasStarted && to.BodyWriter.UnflushedBytes == 0
            ? to.Headers
            : to.HttpContext.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;

    // One value needs no array.
    private static StringValues ToValues(in HeaderStringValues values) =>
        values.Count == 1 ? values.ToString() : values.ToArray();

    private static StatusCode Parse(string status) =>
        status == "0" ? StatusCode.OK
        : int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code) && code is >= 0 and <= 16
            ? (StatusCode)code
            : StatusCode.Unknown;
}
