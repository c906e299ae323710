using Lepton.Sync.Replication.Receiver;

namespace Lepton.Sync.Tests.Replication;

/// <summary>C3, S6: what the policy in force forbids is not taken, whoever sends it.</summary>
public sealed class PolicyAtTheReceiverTests
{
    [Fact]
    public async Task Take_ClassThatThePolicyForbidsHere_IsRefusedAndNothingIsKept()
    {
        TestReceiver receiver = new(1, 1, 0, 1);
        await receiver.SendAsync(1, 1, TestReceiver.Row("before", 1, 1));

        receiver.PolicyAllows = false;
        var e = await Assert.ThrowsAsync<IntakeException>(
            () => receiver.SendAsync(2, 1, TestReceiver.Row("after", 1, 2)));

        Assert.Contains("RESIDENCY_REFUSED", e.Message, StringComparison.Ordinal);
        Assert.Equal(["before"], await receiver.KeysAsync());
    }
}
