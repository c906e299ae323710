using Grpc.Core;
using OpenInference;

namespace Lepton.Inference.Tests;

[Collection("node")]
public sealed class StreamTests(NodeFixture fixture)
{
    [Fact]
    public async Task ModelStreamInfer_ManyRequests_AreAnsweredInOrderAndErrorsDoNotEndIt()
    {
        using var call = fixture.Node.Client.ModelStreamInfer(fixture.Node.Headers("sum"));
        for (var i = 0; i < 40; i++)
        {
            // Every fourth lacks an input.
            var request = i % 4 == 3
                ? Messages.Request("sum", ("a", "FP32", [1, 3], new byte[12]))
                : Messages.Request(
                    "sum", ("a", "FP32", [1, 3], new byte[12]), ("b", "FP32", [1, 3], BitConverter.GetBytes((float)i)
                    .Concat(new byte[8]).ToArray()));
            request.Id = $"{i}";
            await call.RequestStream.WriteAsync(request);
        }
        await call.RequestStream.CompleteAsync();

        var answers = new List<ModelStreamInferResponse>();
        await foreach (var answer in call.ResponseStream.ReadAllAsync())
            answers.Add(answer);

        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i}"), answers.Select(a => a.InferResponse.Id));
        Assert.All(answers, (answer, i) =>
        {
            if (i % 4 == 3)
                Assert.Contains("'b' is missing", answer.ErrorMessage, StringComparison.Ordinal);
            else
                Assert.Equal(("", (float)i), (answer.ErrorMessage, answer.InferResponse.Floats("y")[0]));
        });
    }

    [Fact]
    public async Task ModelStreamInfer_AnotherModelThanTheAssertions_IsCheckedByItself()
    {
        using var call = fixture.Node.Client.ModelStreamInfer(fixture.Node.Headers("sum"));
        await call.RequestStream.WriteAsync(Messages.Request("id_FP32", ("x", "FP32", [1], new byte[4])));
        await call.RequestStream.WriteAsync(Messages.Request("us_only", ("x", "FP32", [1], new byte[4])));
        await call.RequestStream.CompleteAsync();

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal("id_FP32", call.ResponseStream.Current.InferResponse.ModelName);
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Contains("may not process", call.ResponseStream.Current.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelStreamInfer_CallerLeaves_EndsTheStream()
    {
        using var stop = new CancellationTokenSource();
        using var call = fixture.Node.Client.ModelStreamInfer(
            fixture.Node.Headers("sum"), cancellationToken: stop.Token);
        await stop.CancelAsync();

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }
}
