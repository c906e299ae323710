using Google.Protobuf;
using Grpc.Core;
using Lepton.Compliance.Audit.Sequencing;
using Lepton.Compliance.V1;

namespace Lepton.Compliance.Audit;

/// <summary>
/// Append: a stream's batches one after the other; those of other streams are its company in a group commit.
/// </summary>
internal sealed class AppendEndpoint(AuditLog log, IHostApplicationLifetime lifetime, AuditMetrics metrics)
{
    private const int EventsMax = 1000, BytesMax = 4 << 20;

    public async Task RunAsync(
        IAsyncStreamReader<AppendRequest> requests, IServerStreamWriter<AppendResponse> answers,
        ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        while (await AuditErrors.MapAsync(() => AuditErrors.NextAsync(requests, ending.Token)))
        {
            var request = requests.Current;
            Check(request);
            var result = await AuditErrors.MapAsync(() => log.AppendAsync(request.Events, context.CancellationToken));
            await answers.WriteAsync(new AppendResponse
            {
                Batch = request.Batch, Log = log.Name, Sequence = (ulong)result.Sequence,
            }, context.CancellationToken);
        }
    }

    private void Check(AppendRequest request)
    {
        if (request.Events.Count is 0 or > EventsMax)
            throw AuditErrors.FieldInvalid("events", $"takes 1 to {EventsMax} of them");
        if (request.CalculateSize() > BytesMax)
            throw AuditErrors.FieldInvalid("events", $"takes at most {BytesMax} bytes together");
        for (var i = 0; i < request.Events.Count; i++)
        {
            if (EventCheck.Fault(request.Events[i]) is not { } fault)
                continue;
            metrics.Came("refused", request.Events.Count);
            throw AuditErrors.FieldInvalid($"events[{i}].{fault.Field}", fault.Takes);
        }
    }
}
