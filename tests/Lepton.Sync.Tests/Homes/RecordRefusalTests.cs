using Grpc.Core;
using Lepton.Sync.Tests.World;
using Lepton.Sync.V1;

namespace Lepton.Sync.Tests.Homes;

/// <summary>C1, C2, S6: who may not, and what is wrong with a request.</summary>
[Collection("postgres")]
public sealed class RecordRefusalTests(SharedSync shared) : IClassFixture<SharedSync>
{
    private readonly string _run = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Tenants_SeeTheirOwnOnly()
    {
        await shared.WestA.PutAsync("public", $"{_run}/mine", "1");
        RecordService.RecordServiceClient other = new(shared.WestA.As("platform"));

        Assert.Equal("RECORD_UNKNOWN", await Calls.RefusalAsync(async () => await other.GetAsync(
            new GetRequest { Key = Calls.Key("public", $"{_run}/mine") }, Calls.Options)));
        Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(async () => await other.GetAsync(
            new GetRequest { Key = Calls.Key("public", $"{_run}/mine", "demo") }, Calls.Options)));
        ScanResponse page = await other.ScanAsync(
            new ScanRequest { RecordClass = "public", Prefix = _run, PageSize = 1000 }, Calls.Options);
        Assert.Empty(page.Records);
    }

    [Fact]
    public async Task Put_ClassBelowTheTenantsFloor_IsRefused()
    {
        RecordService.RecordServiceClient strict = new(shared.WestA.As("strict"));
        PutRequest Put(string recordClass) => new() { Write = new Write { Key = Calls.Key(recordClass, _run) } };

        Assert.Equal("CLASS_TOO_WIDE", await Calls.RefusalAsync(
            async () => await strict.PutAsync(Put("public"), Calls.Options)));
        await strict.PutAsync(Put("eu-personal"), Calls.Options);
    }

    [Theory]
    [InlineData("write.key.record_class", "no-class", "k", "")]
    [InlineData("write.key.key", "public", "", "")]
    [InlineData("write.expected_version", "public", "k", "x")]
    public async Task Put_WrongField_NamesItAndWhatItTakes(string field, string recordClass, string key, string version)
    {
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(
            () => shared.WestA.PutAsync(recordClass, key, "x", expected: version));

        Assert.Equal(StatusCode.InvalidArgument, refusal.StatusCode);
        Assert.StartsWith(field, refusal.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PeerCalls_OfOthersThanSync_AreDenied()
    {
        PeerService.PeerServiceClient tenant = new(shared.WestA.As("demo"));
        PeerService.PeerServiceClient routing = new(shared.WestA.As("eu-west", "routing"));
        foreach (PeerService.PeerServiceClient client in (PeerService.PeerServiceClient[])[tenant, routing])
            Assert.Equal("CALLER_NOT_ALLOWED", await Calls.RefusalAsync(
                async () => await client.AskAsync(new AskRequest(), Calls.Options)));
        PeerService.PeerServiceClient elsewhere = new(shared.WestA.As("us-east", "sync"));
        Assert.Equal("RESIDENCY_REFUSED", await Calls.RefusalAsync(async () => await elsewhere.AskAsync(
            new AskRequest { Node = "eu-west-b", Epoch = 1 }, Calls.Options)));
        Assert.Equal("RESIDENCY_REFUSED", await Calls.RefusalAsync(async () => await elsewhere.ReadAtHomeAsync(
            new ReadAtHomeRequest { Epoch = 1, Keys = { Calls.Key("eu-personal", "k", "demo") } }, Calls.Options)));
    }
}
