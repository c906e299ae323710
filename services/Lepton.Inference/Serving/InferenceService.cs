using Grpc.Core;
using Lepton.Hop.V1;
using Lepton.Inference.Execution;
using Lepton.Inference.Repository;
using Lepton.Inference.Tensors;
using Lepton.ServiceDefaults;
using Microsoft.Extensions.Options;
using OpenInference;
using PlatformReason = Lepton.Platform.V1.ErrorReason;

namespace Lepton.Inference.Serving;

/// <summary>The Open Inference Protocol as Triton speaks it: inference.</summary>
internal sealed partial class InferenceService(
    ModelRepository repository,
    NodeResidency residency,
    Draining draining,
    LoadTrailer load,
    InferenceMetrics metrics,
    TimeProvider time,
    IOptions<InferenceOptions> options) : GRPCInferenceService.GRPCInferenceServiceBase
{
    private const string TimeoutParameter = "timeout";
    private readonly RequestReader _reader = new(options.Value);

    public override async Task<ModelInferResponse> ModelInfer(ModelInferRequest request, ServerCallContext context)
    {
        try
        {
            var (response, outputs) = await InferAsync(request, context, ForOneModel);
            context.ResponseTrailers.Add(
                ResponseWriter.ProviderKey, response.Parameters[ResponseWriter.ProviderKey].StringParam);
            context.ResponseTrailers.Add(LoadTrailer.Name, load.Bytes());
            // The answer is sent from the outputs' own memory, after this method.
            var http = context.GetHttpContext();
            foreach (var output in outputs)
                http.Response.RegisterForDispose(output);
            return response;
        }
        catch (InferenceRefusal refusal)
        {
            throw refusal.ToRpc();
        }
        catch (TimeoutException)
        {
            throw InferenceErrors.DeadlinePassed();
        }
    }

    public override async Task ModelStreamInfer(IAsyncStreamReader<ModelInferRequest> requestStream,
        IServerStreamWriter<ModelStreamInferResponse> responseStream, ServerCallContext context)
    {
        var stream = new InferenceStream(
            request => InferAsync(request, context, ForStream), options.Value.StreamConcurrencyMax,
            draining.Refusing);
        await stream.RunAsync(requestStream, responseStream, context.CancellationToken);
    }

    private async Task<(ModelInferResponse Response, Tensor[] Outputs)> InferAsync(
        ModelInferRequest request, ServerCallContext context, Func<ServerCallContext, string, HopAssertion> admit)
    {
        var started = time.GetTimestamp();
        using var activity = InferenceMetrics.StartRequest(request.ModelName, request.ModelVersion);
        var outcome = "ok";
        try
        {
            var assertion = admit(context, request.ModelName);
            repository.Find(request.ModelName, request.ModelVersion); // unknown: refused before its inputs are read
            var (model, outputs) = await repository.InferAsync(
                request.ModelName, request.ModelVersion, new InferenceCall
            {
                Inputs = _reader.Read(request),
                Outputs = OutputNames(request),
                Priority = assertion.Priority == "batch" ? Priority.Batch : Priority.Realtime,
                DeadlineTimestamp = Deadline(request, context),
                Cancellation = context.CancellationToken,
            });
            activity?.SetTag("lepton.provider", model.Provider);
            return (ResponseWriter.Write(request, model, outputs), outputs);
        }
        catch (Exception error)
        {
            outcome = error is InferenceRefusal refusal ? RpcErrors.ReasonOf(refusal.Reason) : error.GetType().Name;
            activity?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, outcome);
            throw;
        }
        finally
        {
            // A name that no model has is not a metric's label: callers could make up any number of them.
            var known = outcome is "MODEL_UNKNOWN" or nameof(RpcException) ? "" : request.ModelName;
            metrics.Answered(known, time.GetElapsedTime(started), outcome);
        }
    }

    /// <summary>The assertion of a call that is for one model: gateway and node must read the same name.</summary>
    private static HopAssertion ForOneModel(ServerCallContext context, string model)
    {
        var assertion = Accepted(context);
        return assertion.Model == model ? assertion : throw RpcErrors.Create(StatusCode.Unauthenticated,
            PlatformReason.HopAssertionInvalid, $"The assertion is for model '{assertion.Model}', the request is not.");
    }

    /// <summary>A stream's is for its first message's model; each other is checked by itself, as routers do.</summary>
    private HopAssertion ForStream(ServerCallContext context, string model)
    {
        var assertion = Accepted(context);
        return assertion.Model == model || residency.Refusal(assertion, model) is not { } refusal
            ? assertion
            : throw refusal;
    }

    private static HopAssertion Accepted(ServerCallContext context) =>
        context.GetHttpContext().Features.Get<HopAssertion>()
        ?? throw new InvalidOperationException("The hop guard is not in use.");

    private static string[] OutputNames(ModelInferRequest request)
    {
        var names = new string[request.Outputs.Count];
        for (var i = 0; i < names.Length; i++)
        {
            var output = request.Outputs[i];
            if (output.Parameters.ContainsKey("shared_memory_region"))
                throw InferenceErrors.NotOffered("Shared memory", "clients and nodes are on different machines");
            if (output.Parameters.ContainsKey("classification"))
                throw InferenceErrors.NotOffered("Classification of outputs", "ask for the output itself");
            names[i] = output.Name;
        }
        return names;
    }

    /// <summary>
    /// The earlier of the call's deadline and the request parameter <c>timeout</c> (microseconds, as Triton has it).
    /// </summary>
    private long? Deadline(ModelInferRequest request, ServerCallContext context)
    {
        var left = context.Deadline == DateTime.MaxValue
            ? TimeSpan.MaxValue
            : context.Deadline - time.GetUtcNow().UtcDateTime;
        if (request.Parameters.TryGetValue(TimeoutParameter, out var timeout) && timeout.Int64Param > 0)
        {
            // Any number may come: a day is longer than any call, and no sum overflows.
            var asked = TimeSpan.FromMicroseconds(Math.Min(timeout.Int64Param, TimeSpan.MicrosecondsPerDay));
            left = asked < left ? asked : left;
        }
        return left == TimeSpan.MaxValue
            ? null
            : time.GetTimestamp() + (long)(left.TotalSeconds * time.TimestampFrequency);
    }
}
