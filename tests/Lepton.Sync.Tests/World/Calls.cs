using Google.Protobuf;
using Grpc.Core;
using Lepton.ServiceDefaults;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.World;

/// <summary>Short forms of what tests ask for.</summary>
internal static partial class Calls
{
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
}
