using Lepton.Sync.Replication.Receiver;

namespace Lepton.Sync.Tests.Replication;

/// <summary>C3, S6: what the policy in force forbids is not taken, whoever sends it.</summary>
public sealed class PolicyAtTheReceiverTests
{
    [Fact]
    public async Task Take_ClassThatThePolicyForbidsHere_IsRefusedAndNothingIsKept()
    {
        TestReceiver receiver = new(1, 1, 0, 1, 2);
        await receiver.Applier.WholeAsync(1, default);
        await receiver.SendAsync(5, 1, TestReceiver.Row("before", 1, 10));

        receiver.PolicyAllows = false;
        var e = await Assert.ThrowsAsync<IntakeException>(
            () => receiver.SendAsync(6, 1, TestReceiver.Row("after", 1, 20)));

        Assert.Contains("RESIDENCY_REFUSED", e.Message, StringComparison.Ordinal);
        Assert.Equal(["before"], await receiver.KeysAsync());
    }
}
