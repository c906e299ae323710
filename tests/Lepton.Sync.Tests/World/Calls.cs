using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.World;

/// <summary>Short forms of what tests ask for.</summary>
internal static class Calls
{
    /// <summary>A busy machine is no fault of what is tested.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static CallOptions Options => new(deadline: DateTime.UtcNow + Patience);

    public static RecordKey Key(string recordClass, string key, string tenant = "") =>
        new() { RecordClass = recordClass, Key = key, Tenant = tenant };

    public static async Task<WriteResult> PutAsync(
        this TestKeeper keeper, string recordClass, string key, string value, string subject = "", string expected = "",
        string requestId = "", WriteLevel level = WriteLevel.Unspecified, int others = 0)
    {
        PutRequest request = new()
        {
            Write = new Write
            {
                Key = Key(recordClass, key), Value = ByteString.CopyFromUtf8(value), Subject = subject,
                ExpectedVersion = expected, RequestId = requestId,
            },
            Level = level, OtherRegions = others,
        };
        return (await keeper.Records.PutAsync(request, Options)).Result;
    }

    public static async Task<GetResponse> GetAsync(
        this TestKeeper keeper, string recordClass, string key,
        ReadConsistency consistency = ReadConsistency.Unspecified) => await keeper.Records.GetAsync(
        new GetRequest { Key = Key(recordClass, key), Consistency = consistency }, Options);

    public static string Text(this GetResponse response) => response.Record.Value.ToStringUtf8();

    /// <summary>The refusal's reason.</summary>
    public static async Task<string> RefusalAsync(Func<Task> call) => RpcErrors.ReasonOf(
        await Assert.ThrowsAsync<RpcException>(call)) ?? "";

    /// <summary>Until it holds; what is refused meanwhile does not hold yet.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> holds)
    {
        using CancellationTokenSource patience = new(Patience);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(50));
        RpcException? last = null;
        while (true)
        {
            try
            {
                if (await holds())
                    return;
            }
            catch (RpcException e)
            {
                last = e;
            }
            try
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not come true. {last?.Message}", last);
            }
        }
    }
}
