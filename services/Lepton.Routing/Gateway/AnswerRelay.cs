using System.Collections.Frozen;
using System.Globalization;
using Grpc.Core;
using Lepton.Routing.Decisions;
using Lepton.Routing.Http2;
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
    public static StatusCode? TrailersOnlyStatus(Exchange answer) =>
        answer.Head?.Find(Headers.Status) is { } status ? Parse(status) : null;

    /// <summary>Starts our answer with the headers of theirs.</summary>
    public static void CopyHeaders(Exchange answer, HttpResponse to)
    {
        if (answer.Head is not { } head)
            return; // not before it is there
        to.StatusCode = head.Status;
        to.ContentType = Headers.ContentType;
        Copy(head, to.Headers);
    }

    /// <summary>
    /// Copies the body. Small answers go in one piece with their trailers; a stream's messages go at once.
    /// </summary>
    public static async Task CopyBodyAsync(Exchange answer, HttpResponse to, bool flushEach,
        CancellationToken cancellation)
    {
        while (true)
        {
            await answer.WaitAsync(flushEach ? 1 : FlushAtBytes);
            int taken = answer.Take(to.BodyWriter);
            if (taken == 0)
                return;
            if (flushEach || !answer.IsEnded)
                await to.BodyWriter.FlushAsync(cancellation);
        }
    }

    /// <summary>The status that the answer ended with; null when it broke off without one.</summary>
    public static StatusCode? EndStatus(Exchange answer) =>
        answer.Trailers?.Find(Headers.Status) is { } status ? Parse(status) : TrailersOnlyStatus(answer);

    /// <summary>A value from trailers or, for a trailers-only answer, headers; empty when there is none.</summary>
    public static string Read(Exchange answer, string name) =>
        answer.Trailers?.Find(name) ?? answer.Head?.Find(name) ?? "";

    /// <summary>Ends our answer with their trailers and ours.</summary>
    public static void CopyTrailers(Exchange answer, HttpResponse to, DecisionDraft draft)
    {
        IHeaderDictionary destination = Destination(to);
        if (answer.Trailers is { } trailers)
            Copy(trailers, destination);
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

    private static void Copy(FieldList from, IHeaderDictionary to)
    {
        for (int i = 0; i < from.Count; i++)
        {
            (string name, string value) = from[i];
            if (!NotPassedOn.Contains(name))
                to[name] = from.IsFirst(i) ? value : StringValues.Concat(to[name], value);
        }
    }

    private static StatusCode Parse(string status) =>
        status == "0" ? StatusCode.OK
        : int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out int code) && code is >= 0 and <= 16
            ? (StatusCode)code
            : StatusCode.Unknown;
}
