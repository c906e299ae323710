using System.Threading.Channels;
using Grpc.Core;
using Lepton.Inference.Tensors;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>
/// ModelStreamInfer: several requests of a stream run at once, their answers come in the requests' order. A request
/// that fails is answered with an error message; the stream goes on. When the node leaves service, nothing more is
/// read, what was read is answered, and the stream ends with UNAVAILABLE.
/// </summary>
internal sealed class InferenceStream(
    Func<ModelInferRequest, Task<(ModelInferResponse Response, Tensor[] Outputs)>> infer, int concurrencyMax,
    CancellationToken leaving)
{
    private readonly Channel<(
        ModelInferRequest Request, Task<(ModelInferResponse Response, Tensor[] Outputs)> Answer)> _underWay =
        Channel.CreateBounded<(ModelInferRequest, Task<(ModelInferResponse, Tensor[])>)>(concurrencyMax);

    public async Task RunAsync(IAsyncStreamReader<ModelInferRequest> requests,
        IServerStreamWriter<ModelStreamInferResponse> responses, CancellationToken cancellation)
    {
        var reading = ReadAsync(requests, cancellation);
        await foreach (var (request, answer) in _underWay.Reader.ReadAllAsync(cancellation))
            await AnswerAsync(request, answer, responses, cancellation);
        if (!await reading)
            throw InferenceErrors.Leaving();
    }

    /// <summary>True when the caller sent all; false when reading ended because the node leaves.</summary>
    private async Task<bool> ReadAsync(IAsyncStreamReader<ModelInferRequest> requests, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, leaving);
        try
        {
            while (await requests.MoveNext(either.Token))
                await _underWay.Writer.WriteAsync((requests.Current, infer(requests.Current)), cancellation);
            _underWay.Writer.Complete();
            return true;
        }
        catch (Exception) when (leaving.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            _underWay.Writer.Complete();
            return false;
        }
        catch (Exception error)
        {
            _underWay.Writer.Complete(error); // ends the answering loop with the same error
            return true;
        }
    }

    private static async Task AnswerAsync(
        ModelInferRequest request, Task<(ModelInferResponse Response, Tensor[] Outputs)> answer,
        IServerStreamWriter<ModelStreamInferResponse> responses, CancellationToken cancellation)
    {
        try
        {
            var (response, outputs) = await answer;
            response.Parameters["triton_final_response"] = new InferParameter { BoolParam = true };
            await responses.WriteAsync(new ModelStreamInferResponse { InferResponse = response }, cancellation);
            foreach (var output in outputs)
                output.Dispose();
        }
        catch (Exception error) when (Message(error) is not null)
        {
            await responses.WriteAsync(new ModelStreamInferResponse
            {
                ErrorMessage = Message(error),
                InferResponse = new ModelInferResponse { Id = request.Id, ModelName = request.ModelName },
            }, cancellation);
        }
    }

    /// <summary>What the stream's caller is told; null: the failure is the stream's own.</summary>
    private static string? Message(Exception error) => error switch
    {
        InferenceRefusal refusal => refusal.Message,
        RpcException rpc => rpc.Status.Detail,
        TimeoutException => "the deadline passed before the request ran",
        _ => null,
    };
}
