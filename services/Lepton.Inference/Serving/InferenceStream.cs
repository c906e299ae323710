using System.Threading.Channels;
using Grpc.Core;
using Lepton.Inference.Tensors;
using OpenInference;

namespace Lepton.Inference.Serving;

/// <summary>
/// ModelStreamInfer: several requests of a stream run at once, their answers come in the requests' order. A request
/// that fails is answered with an error message; the stream goes on.
/// </summary>
internal sealed class InferenceStream(
    Func<ModelInferRequest, Task<(ModelInferResponse Response, Tensor[] Outputs)>> infer, int concurrencyMax)
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
        await reading;
    }

    private async Task ReadAsync(IAsyncStreamReader<ModelInferRequest> requests, CancellationToken cancellation)
    {
        try
        {
            await foreach (var request in requests.ReadAllAsync(cancellation))
                await _underWay.Writer.WriteAsync((request, infer(request)), cancellation);
            _underWay.Writer.Complete();
        }
        catch (Exception error)
        {
            _underWay.Writer.Complete(error); // ends the answering loop with the same error
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
